using Sluice.Flows;
using Sluice.Storage;
using Sluice.Testing;
using Sluice.Tests.Executors;

namespace Sluice.Tests.Flows;

/// <summary>A function has no slot while it waits, and goes on only when it has a slot again.</summary>
public class MaxConcurrencyTests
{
    /// <summary>The nested run needs the only slot.</summary>
    [Theory]
    [InlineData("completion")]
    [InlineData("results")]
    [InlineData("found")]
    public async Task AFunctionGivesUpItsSlotWhileItWaitsForANestedRun(string how)
    {
        await using var lab = new FlowLab();
        Supervisor service = lab.Join(options => options with { MaxConcurrency = 1 });
        Processor outer = new("outer") { Outputs = ["a"] }, inner = new("inner") { Inputs = ["x"], Outputs = ["b"] };
        int atWork = 0, most = 0;
        service.Register(inner, async (IO<int> x) =>
        {
            int value = await x.FirstAsync();
            most = Math.Max(most, Interlocked.Increment(ref atWork));
            Interlocked.Decrement(ref atWork);
            return value + 1;
        });
        service.Register(outer, async (IOWriter<int> a, CancellationToken cancellation) =>
        {
            Interlocked.Increment(ref atWork);
            await using FlowRun nested = await service.StartAsync(Flow.From(inner).Resolve(), [IOVal.Of("x", 1)], run: "nested",
                cancellation: cancellation);
            Interlocked.Decrement(ref atWork);
            if (how == "completion") await nested.Completion;
            else if (how == "found")
            {
                await using FlowRun found = (await service.FindAsync("nested", cancellation))!;
                await found.Completion;
            }
            int value = await nested.Output<int>("b").FirstAsync(cancellation);
            most = Math.Max(most, Interlocked.Increment(ref atWork));
            await a.WriteAsync(value, cancellation);
            Interlocked.Decrement(ref atWork);
        });
        await using FlowRun run = await service.StartAsync(Flow.From(outer).Resolve(), [], cancellation: FlowLab.Cancellation);
        await run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        Assert.Equal(2, await run.Output<int>("a").FirstAsync(FlowLab.Cancellation));
        Assert.Equal(1, most);
    }

    /// <summary>A merge reads ahead from a silent stream, while its function works on a value of another: that is no wait.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AFunctionThatMergesKeepsItsSlotWhileItWorks(bool isElsewhere)
    {
        await using var lab = new FlowLab();
        var functions = new ProcessorFunctions();
        Supervisor service = lab.Join(options => options with
        {
            MaxConcurrency = 1,
            Executor = isElsewhere ? MessageExecutor.Of(functions) : null
        });
        Processor merging = new("merging") { Inputs = ["a", "b"], Outputs = ["c"] };
        Processor other = new("other") { Inputs = ["d"], Outputs = ["e"] };
        int atWork = 0, most = 0;
        var works = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var otherWaits = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var mayEnd = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        functions.Add(merging, async (IO<int> a, IO<int> b, IOWriter<int> c, CancellationToken cancellation) =>
        {
            await foreach ((string _, int value) in b.Merge([a], cancellation))
            {
                most = Math.Max(most, Interlocked.Increment(ref atWork));
                works.TrySetResult();
                await otherWaits.Task.WaitAsync(cancellation);
                for (int i = 0; i < 1_000; i++) await Task.Yield();
                Interlocked.Decrement(ref atWork);
                await c.WriteAsync(value, cancellation);
            }
        });
        functions.Add(other, async (IO<int> d) =>
        {
            most = Math.Max(most, Interlocked.Increment(ref atWork));
            int value = await d.FirstAsync();
            Interlocked.Decrement(ref atWork);
            return value;
        });
        service.Register(functions);
        await using FlowRun run = await service.StartAsync(Flow.From(merging).Resolve(),
            [IOVal.Of("a", 1), IOVal.Stream("b", SilentAsync(mayEnd.Task))], cancellation: FlowLab.Cancellation);
        await works.Task.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        await using FlowRun beside = await service.StartAsync(Flow.From(other).Resolve(), [IOVal.Of("d", 2)],
            cancellation: FlowLab.Cancellation);
        otherWaits.SetResult();
        Assert.Equal(1, await run.Output<int>("c").FirstAsync(FlowLab.Cancellation));
        await beside.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);                  // the merge waits, and has no slot
        mayEnd.SetResult();
        await run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        Assert.Equal(1, most);
    }

    /// <summary>Nor does the time limit of the function rest meanwhile; while the merge has nothing, it does.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task TheTimeLimitOfAFunctionThatMergesCountsItsWork(bool isElsewhere)
    {
        var clock = new TestClock();
        await using var lab = new FlowLab(new MemoryStreamStore(clock));
        var functions = new ProcessorFunctions();
        Supervisor service = lab.Join(options => options with
        {
            Time = clock,
            LeaseDuration = TimeSpan.FromHours(1),
            Executor = isElsewhere ? MessageExecutor.Of(functions) : null
        });
        Processor merging = new("merging") { Inputs = ["a", "b"], Outputs = ["c"], Timeout = TimeSpan.FromSeconds(10) };
        var works = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var never = new TaskCompletionSource();
        functions.Add(merging, async (IO<int> a, IO<int> b, IOWriter<int> c, CancellationToken cancellation) =>
        {
            await foreach ((string _, int value) in b.Merge([a], cancellation))
            {
                works.TrySetResult();
                await never.Task.WaitAsync(cancellation);
            }
        });
        service.Register(functions);
        await using FlowRun run = await lab.Join().StartAsync(Flow.From(merging).Resolve(),
            [IOVal.Of("a", 1), IOVal.Stream("b", SilentAsync(never.Task))], cancellation: FlowLab.Cancellation);
        await works.Task.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        for (var seconds = new Rounds(600); !run.Completion.IsCompleted;)
        {
            Assert.True(await seconds.GoOnAsync(), "It works on, however much time passes.");
            clock.Advance(TimeSpan.FromSeconds(1));
            for (int i = 0; i < 1_000 && !run.Completion.IsCompleted; i++) await Task.Yield();
        }
        FlowException failure = await Assert.ThrowsAsync<FlowException>(() => run.Completion.WaitAsync(FlowLab.Patience,
            FlowLab.Cancellation));
        Assert.Contains("It has worked for longer than 10 s", failure.Message, StringComparison.Ordinal);
        never.SetResult();                           // ends the silent input, which its service waits for
    }

    /// <summary>A function in another process has a service of its own, and merges its input with the results of a run there.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AFunctionElsewhereMergesItsInputWithResults(bool resultsFirst)
    {
        await using var lab = new FlowLab();
        await using var there = new FlowLab();
        var functions = new ProcessorFunctions();
        Supervisor service = lab.Join(options => options with { MaxConcurrency = 1, Executor = MessageExecutor.Of(functions) });
        Supervisor own = there.Join();
        Processor first = new("first") { Inputs = ["a"], Outputs = ["x"] }, inner = new("inner") { Inputs = ["x"], Outputs = ["y"] };
        Processor merging = new("merging") { Inputs = ["w", "x"], Outputs = ["z"] };       // w begins it
        var merges = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var hasValue = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        own.Register(inner, StartTests.CopyAsync);
        functions.Add(first, async (IO<int> a, IOWriter<int> x) =>
        {
            await foreach (int value in a.StreamAsync())
                if (value > 0) await x.WriteAsync(value);
        });
        functions.Add(merging, async (IO<int> w, IO<int> x, IOWriter<int> z, CancellationToken cancellation) =>
        {
            await w.FirstAsync(cancellation);
            Task merge;
            using (ExecutionContext.SuppressFlow()) merge = Task.Run(MergeAsync, CancellationToken.None);      // as in another process
            await merge;

            async Task MergeAsync()
            {
                await using FlowRun nested = await own.StartAsync(Flow.From(inner).Resolve(),
                    [IOVal.Stream("x", AfterAsync(hasValue.Task, 2))], cancellation: cancellation);
                IO<int> y = nested.Output<int>("y");
                await foreach ((string _, int value) in (resultsFirst ? y.Merge([x], cancellation) : x.Merge([y], cancellation)))
                {
                    (value == 0 ? merges : hasValue).TrySetResult();      // it has the slot, which the writer of x needs
                    await z.WriteAsync(value, cancellation);
                }
            }
        });
        service.Register(functions);
        await using FlowRun run = await service.StartAsync(Flow.From(first, merging).Resolve(),
            [IOVal.Of("w", 0), IOVal.Stream("a", AfterAsync(merges.Task, 1))], cancellation: FlowLab.Cancellation);
        Assert.Equal([0, 1, 2], await FlowLab.ReadAsync(run.Output<int>("z")).WaitAsync(FlowLab.Patience, FlowLab.Cancellation));
        await run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
    }

    /// <summary>
    /// While starts wait for a slot, a service takes on no further runs. A run that waits for another one must not be in its way.
    /// </summary>
    [Fact]
    public async Task RunsThatWaitForOthersKeepNoneFromBeingTakenOn()
    {
        await using var lab = new FlowLab();
        Supervisor service = lab.Join(options => options with { MaxConcurrency = 1 });
        var tree = new Processor("tree") { Inputs = ["depth"], Outputs = ["leaves"] };
        Flow flow = Flow.From(tree).Resolve();
        service.Register(tree, async (IO<int> depth, CancellationToken cancellation) =>
        {
            int below = await depth.FirstAsync(cancellation) - 1;
            if (below < 0) return 1;
            int leaves = 0;
            for (int i = 0; i < 2; i++)
            {
                await using FlowRun run = await service.StartAsync(flow, [IOVal.Of("depth", below)], cancellation: cancellation);
                leaves += await run.Output<int>("leaves").FirstAsync(cancellation);
            }
            return leaves;
        });
        var end = new TaskCompletionSource();
        FlowRun[] silent = await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => service.StartAsync(flow,
            [IOVal.Stream("depth", SilentAsync(end.Task))], cancellation: FlowLab.Cancellation)));
        FlowRun[] runs = await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => service.StartAsync(flow, [IOVal.Of("depth", 2)],
            cancellation: FlowLab.Cancellation)));
        foreach (FlowRun run in runs)
            Assert.Equal(4, await run.Output<int>("leaves").FirstAsync(FlowLab.Cancellation).AsTask()
                .WaitAsync(FlowLab.Patience, FlowLab.Cancellation));
        end.SetResult();
        foreach (FlowRun run in runs.Concat(silent)) await run.DisposeAsync();
    }

    private static async IAsyncEnumerable<int> AfterAsync(Task start, int value)
    {
        yield return 0;
        await start;
        yield return value;
    }

    private static async IAsyncEnumerable<int> SilentAsync(Task end)
    {
        await end;
        yield break;
    }

    [Fact]
    public async Task AFunctionTakesItsSlotAgainAfterACancelledWait()
    {
        await using var lab = new FlowLab();
        Supervisor service = lab.Join(options => options with { MaxConcurrency = 1 });
        var reader = new Processor("reader") { Inputs = ["x"], Outputs = ["y"] };
        var other = new Processor("other") { Outputs = ["z"] };
        using var patience = new CancellationTokenSource();
        bool wasCancelled = false;
        var wentOn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var isAtWork = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var go = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        service.Register(reader, async (IO<int> x, IOWriter<int> y) =>
        {
            try
            {
                await foreach (int value in x.StreamAsync(patience.Token)) await y.WriteAsync(value);
            }
            catch (OperationCanceledException)
            {
                wasCancelled = true;
            }
            wentOn.SetResult();
        });
        service.Register(other, async (IOWriter<int> z) =>
        {
            isAtWork.SetResult();
            await go.Task;
            await z.WriteAsync(1);
        });
        await using FlowRun run = await service.StartAsync(Flow.From(reader).Resolve(), [IOVal.Stream("x", OneAsync())],
            cancellation: FlowLab.Cancellation);
        Assert.Equal(1, await run.Output<int>("y").FirstAsync(FlowLab.Cancellation));
        await using FlowRun another = await service.StartAsync(Flow.From(other).Resolve(), [], cancellation: FlowLab.Cancellation);
        await isAtWork.Task.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);

        try
        {
            await patience.CancelAsync();
            for (int i = 0; i < 10_000 && !wentOn.Task.IsCompleted; i++) await Task.Yield();
            Assert.False(wentOn.Task.IsCompleted);
        }
        finally
        {
            go.SetResult();
        }
        await another.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        await wentOn.Task.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        Assert.True(wasCancelled);
        await run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);

        async IAsyncEnumerable<int> OneAsync()
        {
            yield return 1;
            await go.Task;
        }
    }
}
