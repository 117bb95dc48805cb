// Composition root of ./bench: parses, measures, prints one line a figure. ./bench --help says what it takes.
using Framelease.Benchmarks;

#pragma warning disable RS0030 // the composition root names the real clock, chance and ids
var time = TimeProvider.System;
var random = Random.Shared;
Func<Guid> newId = Guid.NewGuid;
#pragma warning restore RS0030
return await BenchCommand.RunAsync(args, time, random, newId);
