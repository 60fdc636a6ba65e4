using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Sluice.Flows;
using Sluice.Storage;
using Sluice.Testing;
using Sluice.Tests.Executors;

namespace Sluice.Tests.Flows;

/// <summary>Code of users that ends quietly because its token is cancelled: what it has left out is not taken for the whole.</summary>
public class CutOffTests
{
    private static readonly Processor Work = new("work") { Inputs = ["x"], Outputs = ["y"] };

    [Fact]
    public async Task AnInputThatEndsBecauseItsRunIsDisposedHasFailed()
    {
        await using var lab = new FlowLab();
        Supervisor starter = lab.Join();
        lab.Join().Register(Work, StartTests.CopyAsync);
        var isRead = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        FlowRun run = await starter.StartAsync(Flow.From(Work).Resolve(), [IOVal.Stream("x", NumbersAsync())],
            cancellation: FlowLab.Cancellation);
        await isRead.Task.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        await using FlowRun seen = (await starter.FindAsync(run.Id, FlowLab.Cancellation))!;
        await run.DisposeAsync();
        await Assert.ThrowsAsync<FlowException>(() => seen.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation));

        async IAsyncEnumerable<int> NumbersAsync([EnumeratorCancellation] CancellationToken cancellation = default)
        {
            for (int number = 0; !cancellation.IsCancellationRequested; number++)
            {
                yield return number;
                if (number != 3) continue;
                isRead.SetResult();
                await Task.Delay(Timeout.Infinite, cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    [Fact]
    public async Task AnItemThatEndsBecauseOfItsTimeLimitIsTriedAgain()
    {
        var clock = new TestClock();
        await using var lab = new FlowLab();
        Supervisor service = lab.Join(options => options with { Time = clock, RunRetentionDuration = Timeout.InfiniteTimeSpan });
        Processor work = Work with
        {
            Resume = ResumeMode.PerItem,
            Retry = new(1) { Delay = TimeSpan.Zero },
            Timeout = TimeSpan.FromSeconds(10)
        };
        var isStuck = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        bool isOver = false;
        service.Register(work, async (IO<int> x, IOWriter<int> y, CancellationToken cancellation) =>
        {
            await foreach (int value in x.StreamAsync(CancellationToken.None))
                for (int part = 0; part < 3 && !cancellation.IsCancellationRequested; part++)
                {
                    await y.WriteAsync((10 * value) + part, CancellationToken.None);
                    if (value != 2 || part != 0 || !isStuck.TrySetResult()) continue;
                    await Task.Delay(Timeout.Infinite, cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                    Volatile.Write(ref isOver, true);
                }
        });
        await using FlowRun run = await service.StartAsync(Flow.From(work).Resolve(), Enumerable.Range(1, 3).Select(n => IOVal.Of("x", n)),
            cancellation: FlowLab.Cancellation);
        await isStuck.Task.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        Task<List<int>> values = FlowLab.ReadAsync(run.Output<int>("y"));
        while (!Volatile.Read(ref isOver))           // the time in which a call has no answer does not count
        {
            clock.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }
        Assert.Equal([10, 11, 12, 20, 21, 22, 30, 31, 32], await values);
    }

    [Fact]
    public async Task TheTimeLimitDoesNotRunWhileAFunctionWaitsForItsSlot()
    {
        var clock = new TestClock();
        await using var lab = new FlowLab();
        Supervisor service = lab.Join(options => options with
        {
            Time = clock,
            MaxConcurrency = 1,
            RunRetentionDuration = Timeout.InfiniteTimeSpan
        });
        var hasSlot = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var go = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Processor slow = new("slow") { Inputs = ["x"], Outputs = ["y"] }, limited = Work with { Timeout = TimeSpan.FromSeconds(10) };
        service.Register(slow, async (IO<int> x, IOWriter<int> y) =>
        {
            hasSlot.SetResult();
            await go.Task;
            await y.WriteAsync(await x.FirstAsync());
        });
        service.Register(limited, static async (IO<int> x, IOWriter<int> y, CancellationToken cancellation)
            => await y.WriteAsync(cancellation.IsCancellationRequested ? -1 : await x.FirstAsync(cancellation), cancellation));
        await using FlowRun first = await service.StartAsync(Flow.From(slow).Resolve(), [IOVal.Of("x", 1)],
            cancellation: FlowLab.Cancellation);
        await hasSlot.Task.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        await using FlowRun second = await service.StartAsync(Flow.From(limited).Resolve(), [IOVal.Of("x", 2)],
            cancellation: FlowLab.Cancellation);
        for (int step = 0; step < 8; step++)
        {
            clock.Advance(TimeSpan.FromSeconds(5));
            for (int turn = 0; turn < 2_000; turn++) await Task.Yield();          // meanwhile the second one waits for the slot
        }
        go.SetResult();
        Assert.Equal(2, await second.Output<int>("y").FirstAsync(FlowLab.Cancellation));
        await second.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AValueOfALoopThatWasLeftIsNotReadAgain(bool isElsewhere)
    {
        await using var lab = new FlowLab();
        var work = new Processor("work") { Inputs = ["head", "x"], Outputs = ["y"], Resume = ResumeMode.PerItem };
        var functions = new ProcessorFunctions
        {
            {
                work, static async (IO<int> head, IO<int> x, IOWriter<int> y) =>
                {
                    await foreach (int value in head.StreamAsync())
                    {
                        await y.WriteAsync(value);
                        break;
                    }
                    await foreach (int value in x.StreamAsync()) await y.WriteAsync(value);
                }
            },
        };
        var mayEnd = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Supervisor starter = lab.Join();
        Supervisor first = Host();
        await using FlowRun run = await starter.StartAsync(Flow.From(work).Resolve(),
            [IOVal.Of("head", 100), IOVal.Of("head", 101), IOVal.Stream("x", NumbersAsync())], cancellation: FlowLab.Cancellation);
        await using IAsyncEnumerator<int> values = run.Output<int>("y").StreamAsync(FlowLab.Cancellation)
            .GetAsyncEnumerator(FlowLab.Cancellation);
        foreach (int expected in (int[])[100, 1, 2])
        {
            Assert.True(await values.MoveNextAsync());
            Assert.Equal(expected, values.Current);
        }
        await first.DisposeAsync();
        Host();
        mayEnd.SetResult();
        List<int> rest = [];
        while (await values.MoveNextAsync()) rest.Add(values.Current);
        Assert.DoesNotContain(100, rest);
        Assert.Equal(3, rest[^1]);

        Supervisor Host()
        {
            Supervisor host = lab.Join(options => options with { Executor = isElsewhere ? MessageExecutor.Of(functions) : null });
            host.Register(functions);
            return host;
        }

        async IAsyncEnumerable<int> NumbersAsync()
        {
            yield return 1;
            yield return 2;
            await mayEnd.Task;
            yield return 3;
        }
    }

    /// <summary>Each of two items fails once, and the service is another one between them.</summary>
    [Fact]
    public async Task TheAttemptCountOfAnItemDoesNotOutliveItAtAHandover()
    {
        await using var lab = new FlowLab();
        Processor work = Work with { Resume = ResumeMode.PerItem, Retry = new(1) { Delay = TimeSpan.Zero } };
        ConcurrentDictionary<int, int> seen = new();
        var isThrough = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Supervisor starter = lab.Join();
        Supervisor first = Host();
        await using FlowRun run = await starter.StartAsync(Flow.From(work).Resolve(), [IOVal.Stream("x", NumbersAsync())],
            cancellation: FlowLab.Cancellation);
        await using IAsyncEnumerator<int> values = run.Output<int>("y").StreamAsync(FlowLab.Cancellation)
            .GetAsyncEnumerator(FlowLab.Cancellation);
        for (int value = 0; value < 3; value++)
        {
            Assert.True(await values.MoveNextAsync());
            Assert.Equal(value, values.Current);
        }
        await first.DisposeAsync();
        Host();
        isThrough.SetResult();
        Assert.True(await values.MoveNextAsync());
        Assert.Equal(3, values.Current);
        await run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);

        Supervisor Host()
        {
            Supervisor host = lab.Join();
            host.Register(work, async (IO<int> x, IOWriter<int> y) =>
            {
                await foreach (int value in x.StreamAsync())
                {
                    if (value is 0 or 3 && seen.AddOrUpdate(value, 1, static (_, count) => count + 1) == 1) throw new IOException("once");
                    await y.WriteAsync(value);
                }
            });
            return host;
        }

        async IAsyncEnumerable<int> NumbersAsync()
        {
            for (int value = 0; value < 3; value++) yield return value;
            await isThrough.Task;
            yield return 3;
        }
    }

    /// <summary>A look at the first value of a stream that a loop reads, too, is not one at the value to go on with.</summary>
    [Theory]
    [InlineData(Retention.All)]
    [InlineData(Retention.UntilRead)]
    public async Task TheFirstValueIsTheSameAfterAHandover(Retention retention)
    {
        await using var lab = new FlowLab();
        Processor work = Work with { Resume = ResumeMode.PerItem };
        var isThrough = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Supervisor starter = lab.Join();
        Supervisor first = Host();
        await using FlowRun run = await starter.StartAsync(Flow.From(work).With("x", new() { Retention = retention }).Resolve(),
            [IOVal.Stream("x", NumbersAsync())], cancellation: FlowLab.Cancellation);
        await using IAsyncEnumerator<int> values = run.Output<int>("y").StreamAsync(FlowLab.Cancellation)
            .GetAsyncEnumerator(FlowLab.Cancellation);
        for (int value = 1; value <= 3; value++)
        {
            Assert.True(await values.MoveNextAsync());
            Assert.Equal(100 + value, values.Current);
        }
        await first.DisposeAsync();
        Host();
        isThrough.SetResult();
        if (retention == Retention.All)
        {
            Assert.True(await values.MoveNextAsync());
            Assert.Equal(104, values.Current);
            await run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
            return;
        }
        FlowException gone = await Assert.ThrowsAsync<FlowException>(() => run.Completion.WaitAsync(FlowLab.Patience,
            FlowLab.Cancellation));
        Assert.Contains("does not have its values 1 to ", gone.Message, StringComparison.Ordinal);

        Supervisor Host()
        {
            Supervisor host = lab.Join();
            host.Register(work, async (IO<int> x, IOWriter<int> y) =>
            {
                int head = await x.FirstAsync();
                await foreach (int value in x.StreamAsync()) await y.WriteAsync(100 * head + value);
            });
            return host;
        }

        async IAsyncEnumerable<int> NumbersAsync()
        {
            for (int value = 1; value <= 3; value++) yield return value;
            await isThrough.Task;
            yield return 4;
        }
    }
}
