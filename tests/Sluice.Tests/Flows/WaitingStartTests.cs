using System.Text.Json;
using Sluice.Flows;
using Sluice.Storage;

namespace Sluice.Tests.Flows;

/// <summary>
/// A processor that waits for its slot, for the place where its function runs, or, when it is started again, for its first value, has not
/// been started: its host may die of others.
/// </summary>
public sealed class WaitingStartTests : IAsyncDisposable
{
    private static readonly Processor Copy = new("copy") { Inputs = ["x"], Outputs = ["y"] };
    private static readonly Flow Copying = Flow.From(Copy).Resolve();

    private readonly SemaphoreSlim committed = new(0);
    private readonly FlowLab lab;

    public WaitingStartTests()
    {
        lab = new(new HookedStore(new MemoryStreamStore())
        {
            AfterCommit = _ =>
            {
                committed.Release();
                return Task.CompletedTask;
            }
        });
    }

    [Fact]
    public async Task TheDeathOfTheHostIsTheFaultOfWhatWasCalled()
    {
        bool isLast = false;
        Supervisor client = lab.Join();
        await using FlowRun one = await StartAsync("one"), two = await StartAsync("two");
        Supervisor dying = Host();
        await UntilRowAsync("one", static row => row.Starts == 1);
        await UntilRowAsync("two", static row => row.Starts == 1);
        await dying.AbandonAsync();

        isLast = true;
        Host();
        string?[] failures = [await FailureAsync(one), await FailureAsync(two)];
        string failure = Assert.Single(failures.OfType<string>());
        Assert.Contains("It was started 1 time without progress, and each time its host was gone", failure, StringComparison.Ordinal);

        Task<FlowRun> StartAsync(string run)
            => client.StartAsync(Copying, [IOVal.Of("x", 1)], run: run, cancellation: FlowLab.Cancellation);

        Supervisor Host()
        {
            Supervisor host = lab.Join(static options => options with { Name = "host", MaxConcurrency = 1, MaxStarts = 1 });
            host.Register(Copy, async (IO<int> x, CancellationToken cancellation) =>
            {
                if (!isLast) await Task.Delay(Timeout.Infinite, cancellation);
                return await x.FirstAsync(cancellation);
            });
            return host;
        }
    }

    [Fact]
    public async Task ThePlaceMayBeFoundInALaterLife()
    {
        var client = lab.Join();
        await using FlowRun run = await client.StartAsync(Copying, [IOVal.Of("x", 1)], run: "one", cancellation: FlowLab.Cancellation);
        var places = new Places();
        for (int life = 1; life <= 3; life++)
        {
            Supervisor dying = Host();
            int number = life;
            await UntilRowAsync("one", row => row.Starts == number && row.Fruitless == 0);
            await dying.AbandonAsync();
        }
        places.HasOne = true;
        Host();
        Assert.Null(await FailureAsync(run));

        Supervisor Host()
        {
            Supervisor host = lab.Join(options => options with { Name = "host", Executor = places, MaxStarts = 1 });
            host.Register(Copy, static async (IO<int> x) => await x.FirstAsync());
            return host;
        }
    }

    [Fact]
    public async Task APlaceThatIsLostIsALostStart()
    {
        Supervisor host = lab.Join(options => options with { Executor = new Places { Loss = "the worker has died" }, MaxStarts = 2 });
        host.Register(Copy, static async (IO<int> x) => await x.FirstAsync());
        await using FlowRun run = await host.StartAsync(Copying, [IOVal.Of("x", 1)], cancellation: FlowLab.Cancellation);
        Assert.Contains("It was started 2 times without progress, and each time its host was gone before it had ended; the last time: "
            + "the worker has died",
            await FailureAsync(run), StringComparison.Ordinal);
    }

    /// <summary>A saved state may mean work that is left, so the function is called without a value.</summary>
    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public async Task AFunctionThatOnlyWaitsForItsNextValueMayBeStartedOften(bool isMerged, bool hasOtherEnded)
    {
        Processor saving = Copy with { Inputs = ["x", "z"], Resume = ResumeMode.Checkpoint };
        var next = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using FlowRun run = await lab.Join().StartAsync(Flow.From(saving).Resolve(),
            [IOVal.Stream("x", TwoAsync(next.Task)), IOVal.Stream("z", NoneAsync(hasOtherEnded ? Task.CompletedTask : next.Task))],
            run: "one", cancellation: FlowLab.Cancellation);
        Supervisor dying = Host();
        await UntilRowAsync("one", static row => row.State is not null);
        for (int start = 2; start <= 5; start++)
        {
            await dying.AbandonAsync();
            dying = Host();
            int number = start;
            await UntilRowAsync("one", row => row.Starts == number && row.Fruitless == 0);
        }
        next.SetResult();
        Assert.Equal([1, 2], await FlowLab.ReadAsync(run.Output<int>("y")));
        Assert.Null(await FailureAsync(run));

        Supervisor Host()
        {
            Supervisor host = lab.Join(static options
                => options with { Name = "host", MaxStarts = 2, IdleStart = TimeSpan.FromMilliseconds(1) });
            host.Register(saving, async (IO<int> x, IO<int> z, IOWriter<int> y, Checkpoint<int> last, CancellationToken cancellation) =>
            {
                if (isMerged)
                {
                    await foreach (var (_, value) in x.Merge([z], cancellation)) await CopyAsync(value);
                    return;
                }
                await foreach (int value in x.StreamAsync(cancellation)) await CopyAsync(value);

                async Task CopyAsync(int value)
                {
                    await y.WriteAsync(value, cancellation);
                    await last.SaveAsync(value, cancellation);
                }
            });
            return host;
        }
    }

    /// <summary>What is left of values that were passed may end the host beside a wait, and so may the next value.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AStartThatFindsNoValueCountsUntilItsFunctionHasWaitedForAWhile(bool waitsLong)
    {
        Processor saving = Copy with { Resume = ResumeMode.Checkpoint };
        TaskCompletionSource next = new(TaskCreationOptions.RunContinuationsAsynchronously), taken = new();
        await using FlowRun run = await lab.Join().StartAsync(Flow.From(saving).Resolve(), [IOVal.Stream("x", TwoAsync(next.Task))],
            run: "one", cancellation: FlowLab.Cancellation);
        Supervisor first = Host();
        await UntilRowAsync("one", static row => row.State is not null);
        await first.AbandonAsync();
        Supervisor second = Host();
        await UntilRowAsync("one", row => row.Starts == 2 && row.Fruitless == (waitsLong ? 0 : 1));
        next.SetResult();
        await taken.Task.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        await UntilRowAsync("one", static row => row.Starts == 2 && row.Fruitless == 1);
        await second.AbandonAsync();
        Host();
        Assert.Contains("It was started 1 time without progress", await FailureAsync(run), StringComparison.Ordinal);

        Supervisor Host()
        {
            Supervisor host = lab.Join(options => options with
            {
                Name = "host",
                MaxStarts = 1,
                IdleStart = waitsLong ? TimeSpan.FromMilliseconds(1) : options.IdleStart
            });
            host.Register(saving, async (IO<int> x, IOWriter<int> y, Checkpoint<int> last, CancellationToken cancellation) =>
            {
                await foreach (int value in x.StreamAsync(cancellation))
                {
                    if (value == 1) await last.SaveAsync(value, cancellation);
                    else
                    {
                        taken.TrySetResult();
                        await Task.Delay(Timeout.Infinite, cancellation);
                    }
                }
            });
            return host;
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task WorkThatEndsItsHostsIsGivenUpAlsoBehindASavedState(bool isReading)
    {
        Processor saving = Copy with { Inputs = ["x", "z"], Resume = ResumeMode.Checkpoint };
        var end = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using FlowRun run = await lab.Join().StartAsync(Flow.From(saving).Resolve(),
            [IOVal.Stream("x", TwoAsync(isReading ? Task.CompletedTask : end.Task)), IOVal.Stream("z", NoneAsync(end.Task))], run: "one",
            cancellation: FlowLab.Cancellation);
        for (int start = 1; start <= 3; start++)
        {
            Supervisor dying = Host();
            int number = start;
            await UntilRowAsync("one", row => row.Starts == number && row.State is not null && row.Fruitless == number - 1);
            await dying.AbandonAsync();
        }
        Host();
        Assert.Contains("It was started 2 times without progress, and each time its host was gone", await FailureAsync(run),
            StringComparison.Ordinal);
        end.SetResult();

        Supervisor Host()
        {
            Supervisor host = lab.Join(static options => options with { Name = "host", MaxStarts = 2 });
            host.Register(saving, async (IO<int> x, IO<int> z, Checkpoint<int> last, CancellationToken cancellation) =>
            {
                if (!last.HasValue || isReading)
                    await foreach (var (_, value) in x.Merge([z], cancellation))
                    {
                        if (!last.HasValue) await last.SaveAsync(value, cancellation);
                        break;
                    }
                await Task.Delay(Timeout.Infinite, cancellation);
            });
            return host;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await lab.DisposeAsync();
        committed.Dispose();
    }

    private static async Task<string?> FailureAsync(FlowRun run)
    {
        try
        {
            await run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
            return null;
        }
        catch (FlowException e)
        {
            return e.Message;
        }
    }

    private async Task UntilRowAsync(string run, Func<Assignment, bool> isSo)
    {
        while (!await IsSoAsync()) Assert.True(await committed.WaitAsync(FlowLab.Patience, FlowLab.Cancellation), "No commit any more.");

        async Task<bool> IsSoAsync()
        {
            int partitions = (await lab.Store.FindGroupAsync(FlowNames.Hosts(Copy.Name), FlowLab.Cancellation))?.Partitions.Count ?? 0;
            for (int partition = 0; partition < partitions; partition++)
                foreach (StateRow row in await lab.Store.ReadStateAsync(FlowNames.Hosts(Copy.Name), partition, WorkPartition.Node, [run],
                    FlowLab.Cancellation))
                    return isSo(JsonSerializer.Deserialize(row.Value!.Value.Span, RunJson.Default.Assignment)!);
            return false;
        }
    }

    private static async IAsyncEnumerable<int> TwoAsync(Task next)
    {
        yield return 1;
        await next;
        yield return 2;
    }

    private static async IAsyncEnumerable<int> NoneAsync(Task end)
    {
        await end;
        yield break;
    }

    /// <summary>Runs functions here, once there is a place.</summary>
    private sealed class Places : IExecutor
    {
        public bool HasOne { get; set; }

        public string? Loss { get; init; }

        public async Task ExecuteAsync(ProcessorCall call, CancellationToken cancellation)
        {
            await call.WaitForPlaceAsync(async () =>
            {
                await Task.Yield();
                if (Loss is not null) throw new ExecutionLostException(Loss);
                if (!HasOne) await Task.Delay(Timeout.Infinite, cancellation);
            });
            await call.RunHereAsync(cancellation);
        }
    }
}
