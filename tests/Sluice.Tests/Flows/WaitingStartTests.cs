using System.Text.Json;
using Sluice.Flows;
using Sluice.Storage;

namespace Sluice.Tests.Flows;

/// <summary>
/// A processor that waits for its slot, or for the place where its function runs, has not been started: its host may die of others.
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
