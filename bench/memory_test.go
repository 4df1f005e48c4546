package main

import (
	"context"
	"net/http"
	"runtime"
	"testing"
)

func TestLiveHeapIsWhatSurvives(t *testing.T) {
	before := liveHeap()
	kept := make([]byte, 4<<20)
	with := liveHeap()
	runtime.KeepAlive(kept)
	without := liveHeap()
	if with-before < 3<<20 || without-before > 1<<20 {
		t.Errorf("4 MiB add %d bytes, and %d remain", with-before, without-before)
	}
}

func TestHeapGrowthFindsLeaks(t *testing.T) {
	var kept [][]byte
	count := 0
	leaks := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { kept = append(kept, make([]byte, 1024)) })
	keepsNothing := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { count++ })
	bytes, err := heapGrowth(context.Background(), []http.Handler{leaks, keepsNothing}, 6000)
	if err != nil || bytes < 3000*1024 || bytes > 2*3000*1024 {
		t.Errorf("%d bytes for 3,000 leaks of 1 KiB, %v", bytes, err)
	}
	if len(kept) != 3000 || count != 3000 {
		t.Errorf("%d and %d requests", len(kept), count)
	}
}
