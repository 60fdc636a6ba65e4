using Sluice.Diagnostics;
using Sluice.Flows;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Flows;

/// <summary>Streams are bounded: by backpressure, by MaxKept, and because values leave the store after they were read.</summary>
public class BoundedStreamTests
{
    private const int Many = 20_000;
    private static readonly Processor Maker = new("maker") { Outputs = ["x"] };
    private static readonly FlowStreamOptions Small = new() { MaxItems = 100 };

    [Theory]
    [InlineData(ResumeMode.PerItem)]
    [InlineData(ResumeMode.FromScratch)]
    public async Task AFullStreamMakesItsWriterWait(ResumeMode resume)
    {
        await using var lab = new FlowLab();
        Supervisor service = lab.Join();
        var taker = new Processor("taker") { Inputs = ["x"], Outputs = ["count"], Resume = resume };
        long most = 0, written = 0;
        service.Register(Maker, Make);
        service.Register(taker, async (IO<int> x, IOWriter<int> count) =>
        {
            int read = 0;
            await foreach (int value in x.StreamAsync())
            {
                Assert.Equal(read++, value);
                most = Math.Max(most, Volatile.Read(ref written) - value);
            }
            await count.WriteAsync(read);
        });
        await using FlowRun run = await service.StartAsync(Flow.From(Maker, taker).With("x", Small).Resolve(), [],
            cancellation: FlowLab.Cancellation);
        await run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        Assert.Equal(Many, await run.Output<int>("count").FirstAsync(FlowLab.Cancellation));
        Assert.InRange(most, 0, 2_000);              // the bound, and the batches in flight on both sides

        async IAsyncEnumerable<IOVal> Make()
        {
            for (int i = 0; i < Many; i++)
            {
                Volatile.Write(ref written, i);
                yield return IOVal.Of("x", i);
                await Task.Yield();
            }
        }
    }

    [Fact]
    public async Task APerItemProcessorKeepsFewValuesInTheStore()
    {
        await using var lab = new FlowLab();
        Supervisor service = lab.Join();
        var taker = new Processor("taker") { Inputs = ["x"], Outputs = ["count"], Resume = ResumeMode.PerItem };
        long most = 0;
        service.Register(Maker, MakeMany);
        service.Register(taker, async (IO<int> x, IOWriter<int> count) =>
        {
            await foreach (int value in x.StreamAsync())
                if (value % 1_000 == 0) most = Math.Max(most,
                    (await lab.Store.ListStreamsAsync("flow-io/", FlowLab.Cancellation)).Sum(stream => lab.Store.FindStreamAsync(stream)
                        .Result!.Items));
        });
        await using FlowRun run = await service.StartAsync(Flow.From(Maker, taker).With("x", Small).Resolve(), [],
            cancellation: FlowLab.Cancellation);
        await run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        Assert.InRange(most, 1, 3_000);
    }

    [Fact]
    public Task MaxKeptLimitsTheValuesKeptForAWaitingProcessor() => KeepAsync(5_000, "5,000");

    [Fact]
    public Task AMaxKeptBelowAThousandIsEnforced() => KeepAsync(10, "10");

    private static async Task KeepAsync(long limit, string text)
    {
        await using var lab = new FlowLab();
        Supervisor service = lab.Join();
        service.Register(Maker, MakeMany);
        var taker = new Processor("taker") { Inputs = ["x"], Wait = true };
        await using FlowRun run = await service.StartAsync(Flow.From(Maker, taker).With("x", Small with { MaxKept = limit }).Resolve(), [],
            cancellation: FlowLab.Cancellation);
        await lab.UntilAsync($"flow/{run.Id}", async () =>
            (await run.GetStatusAsync(FlowLab.Cancellation)).Processors[0].Status == FlowStatus.Failed);
        string error = (await run.GetStatusAsync(FlowLab.Cancellation)).Processors[0].Error!;
        Assert.Contains("values for the processor taker", error, StringComparison.Ordinal);
        Assert.Contains($"The limit is {text} (FlowStreamOptions.MaxKept)", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AStreamWithRetentionAllCanBeReadAgain()
    {
        await using var lab = new FlowLab();
        Supervisor service = lab.Join();
        service.Register(Maker, () => new[] { IOVal.Of("x", 1), IOVal.Of("x", 2) });
        await using FlowRun run = await service.StartAsync(Flow.From(Maker).With("x", new() { Retention = Retention.All }).Resolve(), [],
            cancellation: FlowLab.Cancellation);
        Assert.Equal([1, 2], await FlowLab.ReadAsync(run.Output<int>("x")));
        Assert.Equal([1, 2], await FlowLab.ReadAsync(run.Output<int>("x")));
    }

    [Fact]
    public async Task AResultIsNotKeptAfterItsFlowRunIsDisposed()
    {
        await using var lab = new FlowLab();
        Supervisor service = lab.Join();
        var go = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        service.Register(Maker, MakeLater);
        FlowRun run = await service.StartAsync(Flow.From(Maker).With("x", Small).Resolve(), [], cancellation: FlowLab.Cancellation);
        await run.DisposeAsync();
        go.SetResult();
        await using FlowRun again = (await service.FindAsync(run.Id, FlowLab.Cancellation))!;
        await again.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        Assert.InRange((await lab.Store.FindStreamAsync($"flow-io/{run.Id}/x"))!.Items, 0, 3_000);

        async IAsyncEnumerable<IOVal> MakeLater()
        {
            await go.Task;
            await foreach (IOVal value in MakeMany()) yield return value;
        }
    }

    /// <summary>The bound of a result holds during a loop that reads it, and at no other time: otherwise an unread result would stop a run
    /// whose completion is awaited first.</summary>
    [Fact]
    public async Task TheBoundOfAResultHoldsWhileALoopReadsIt()
    {
        await using var lab = new FlowLab();
        await using var hooked = new HookedStore(lab.Store);
        Supervisor service = lab.Join(options => options with { ReaderTimeout = TimeSpan.FromHours(1) }, hooked);
        long written = 0;
        var unread = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var released = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var full = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        long limit = long.MaxValue;
        service.Register(Maker, MakeEndlessAsync);
        await using FlowRun run = await service.StartAsync(Flow.From(Maker).With("x", Small).Resolve(), [],
            cancellation: FlowLab.Cancellation);
        await unread.Task.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);          // no loop reads, so the bound does not hold
        hooked.Before = (call, stream) =>
        {
            if (call == nameof(hooked.WaitForChangeAsync) && stream.EndsWith("/x", StringComparison.Ordinal)) full.TrySetResult();
            return Task.CompletedTask;
        };
        int read = 0;
        await foreach (int value in run.Output<int>("x").StreamAsync(FlowLab.Cancellation))
        {
            Assert.Equal(read++, value);
            if (read < 6) continue;
            await full.Task.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);        // the writer waits for this loop
            Volatile.Write(ref limit, Volatile.Read(ref written) + 10 * Small.MaxItems);
            Assert.False(released.Task.IsCompleted);
            break;
        }
        await released.Task.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);        // the loop has ended, and so has the wait
        await run.CancelAsync("enough", FlowLab.Cancellation);

        async IAsyncEnumerable<IOVal> MakeEndlessAsync()
        {
            for (int i = 0; ; i++)
            {
                yield return IOVal.Of("x", i);
                if (Interlocked.Increment(ref written) == 20 * Small.MaxItems) unread.TrySetResult();
                if (i > Volatile.Read(ref limit)) released.TrySetResult();
                if (i % 100 == 0) await Task.Yield();
            }
        }
    }

    /// <summary>The loop gets hundreds of values at once, and works on them for many times the <c>ReaderTimeout</c>.</summary>
    [Fact]
    public async Task TheBoundOfAResultHoldsWhileASlowLoopGoesOn()
    {
        var clock = new TestClock();
        await using var lab = new FlowLab(new MemoryStreamStore(clock));
        await using var hooked = new HookedStore(lab.Store);
        var timeout = TimeSpan.FromSeconds(60);
        Supervisor service = lab.Join(options => options with
        {
            ReaderTimeout = timeout,
            Time = clock,
            RunRetentionDuration = Timeout.InfiniteTimeSpan,
            LeaseDuration = TimeSpan.FromHours(1)
        }, hooked);
        long refused = 0;
        var unread = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        service.Register(Maker, MakeEndlessAsync);
        await using FlowRun run = await service.StartAsync(Flow.From(Maker).With("x", Small).Resolve(), [],
            cancellation: FlowLab.Cancellation);
        string name = FlowNames.Values(run.Id, "x");
        await unread.Task.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        hooked.Before = (call, stream) =>
        {
            if (call == nameof(hooked.WaitForChangeAsync) && stream == name) Interlocked.Increment(ref refused);
            return Task.CompletedTask;
        };
        int read = 0;
        long kept = 0, seen = 0;
        await foreach (int value in run.Output<int>("x").StreamAsync(FlowLab.Cancellation))
        {
            if (read++ == 0)
            {
                await Rounds.UntilAsync(() => Volatile.Read(ref refused) > 0, "The writer is not held up.");
                (kept, seen) = (Written(), Volatile.Read(ref refused));
            }
            if (read == 60) break;
            clock.Advance(timeout / 10);
            if (read % 10 != 0) continue;
            long before = seen;                      // the writer tries at least once in a timeout
            await Rounds.UntilAsync(() => Volatile.Read(ref refused) > before || Written() > kept,
                "The writer stands still.");
            Assert.Equal(kept, Written());
            seen = Volatile.Read(ref refused);
        }
        await run.CancelAsync("enough", FlowLab.Cancellation);

        long Written() => lab.Store.FindStreamAsync(name).AsTask().Result!.Appended;

        async IAsyncEnumerable<IOVal> MakeEndlessAsync()
        {
            for (int i = 0; ; i++)
            {
                yield return IOVal.Of("x", i);
                if (i == 20 * Small.MaxItems) unread.TrySetResult();
                if (i % 100 == 0) await Task.Yield();
            }
        }
    }

    /// <summary>The reader that has expired is opened at the oldest value, and goes on from where the loop is.</summary>
    [Fact]
    public async Task ALoopOverAKeptResultThatRestedForLongHoldsUpNothingByWhatItHasRead()
    {
        const int Behind = 300;
        var clock = new TestClock();
        await using var lab = new FlowLab(new MemoryStreamStore(clock));
        await using var hooked = new HookedStore(lab.Store);
        Supervisor service = lab.Join(options => options with
        {
            ReaderTimeout = TimeSpan.FromSeconds(60),
            Time = clock,
            RunRetentionDuration = Timeout.InfiniteTimeSpan,
            LeaseDuration = TimeSpan.FromHours(1)
        }, hooked);
        var go = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var isWaiting = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        service.Register(Maker, MakeAsync);
        await using FlowRun run = await service.StartAsync(Flow.From(Maker).With("x", Small).Resolve(), [], keepOutputs: true,
            cancellation: FlowLab.Cancellation);
        string name = FlowNames.Values(run.Id, "x");
        await lab.UntilAsync(name, async () => (await lab.Store.FindStreamAsync(name, FlowLab.Cancellation))!.Appended == Behind);
        await using IAsyncEnumerator<int> values = run.Output<int>("x").StreamAsync(FlowLab.Cancellation)
            .GetAsyncEnumerator(FlowLab.Cancellation);
        for (int read = 0; read < Behind; read++) Assert.True(await values.MoveNextAsync());
        clock.Advance(TimeSpan.FromSeconds(120));
        hooked.Before = (call, stream) =>
        {
            if (call == nameof(hooked.WaitForChangeAsync) && stream == name) isWaiting.TrySetResult();
            return Task.CompletedTask;
        };
        Task<bool> next = values.MoveNextAsync().AsTask();
        await isWaiting.Task.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        go.SetResult();
        Assert.True(await next.WaitAsync(FlowLab.Patience, FlowLab.Cancellation));
        Assert.Equal(Behind, values.Current);

        async IAsyncEnumerable<IOVal> MakeAsync()
        {
            for (int i = 0; i <= Behind; i++)
            {
                if (i == Behind) await go.Task;
                yield return IOVal.Of("x", i);
            }
        }
    }

    private static async IAsyncEnumerable<IOVal> MakeMany()
    {
        for (int i = 0; i < Many; i++)
        {
            yield return IOVal.Of("x", i);
            if (i % 100 == 0) await Task.Yield();
        }
    }
}
