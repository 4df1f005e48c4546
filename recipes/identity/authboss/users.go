package main

import (
	"context"

	"github.com/volatiletech/authboss/v3"
)

// user is what module auth needs of a user.
type user struct {
	email, password string // the password is bcrypt's hash
	confirmed       bool   // the address, as by module confirm
}

func (u *user) GetPID() string              { return u.email }
func (u *user) PutPID(pid string)           { u.email = pid }
func (u *user) GetPassword() string         { return u.password }
func (u *user) PutPassword(password string) { u.password = password }

// users are all users, by e-mail address. Nobody writes to it while the app runs.
type users map[string]*user

func (u users) Load(_ context.Context, email string) (authboss.User, error) {
	if user, ok := u[email]; ok {
		return user, nil
	}
	return nil, authboss.ErrUserNotFound
}

func (u users) Save(context.Context, authboss.User) error { return nil }
