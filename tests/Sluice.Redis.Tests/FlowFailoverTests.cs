using System.Collections.Concurrent;
using Sluice.Diagnostics;
using Sluice.Flows;
using Sluice.Storage;

namespace Sluice.Redis.Tests;

/// <summary>A replica takes over during a run, and the last acknowledged writes are lost.</summary>
public sealed class FlowFailoverTests : IAsyncLifetime
{
    private const int Before = 300, Lost = 200, All = 1_000;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);
    private ServerPair servers = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => servers = await ServerPair.StartAsync();

    public ValueTask DisposeAsync() => servers.DisposeAsync();

    [Theory]
    [InlineData(ResumeMode.FromScratch, Traits = ["Length", "long"])]
    [InlineData(ResumeMode.PerItem)]
    [InlineData(ResumeMode.Checkpoint, Traits = ["Length", "long"])]
    public async Task ResultsLostInAFailoverAreProducedAgain(ResumeMode resume)
    {
        var numbers = new Processor("numbers") { Inputs = ["count"], Outputs = ["number"] };
        var copy = new Processor("copy") { Inputs = ["number"], Outputs = ["copied"], Resume = resume };
        var gates = new Dictionary<int, TaskCompletionSource> { [Before] = new(), [Before + Lost] = new() };
        var noticed = new TaskCompletionSource();
        int starts = 0;
        var warnings = new ConcurrentQueue<string>();
        await using RedisStreamStore store = await RedisStreamStore.ConnectAsync(servers.Addresses,
            Patient.Mortal with { PollInterval = TimeSpan.FromMilliseconds(200) }, Cancellation);
        await using var service = Supervisor.Attach(store, new() { Name = "service", OnWarning = warnings.Enqueue });
        service.Register(numbers, async (IO<int> count, IOWriter<int> number, CancellationToken cancellation) =>
        {
            bool isFirst = Interlocked.Increment(ref starts) == 1;
            for (int n = 1; n <= await count.FirstAsync(cancellation); n++)
            {
                await number.WriteAsync(n, cancellation);
                if (!isFirst && n == Before + 1) await noticed.Task.WaitAsync(cancellation);
                if (gates.TryGetValue(n, out TaskCompletionSource? gate)) await gate.Task.WaitAsync(cancellation);
            }
        });
        if (resume == ResumeMode.Checkpoint)
            service.Register(copy, (IO<int> number, IOWriter<int> copied, Checkpoint<int> checkpoint, CancellationToken cancellation) =>
                CopyAsync(number, copied, checkpoint, cancellation));
        else
            service.Register(copy, (IO<int> number, IOWriter<int> copied, CancellationToken cancellation) => CopyAsync(number, copied, null,
                cancellation));
        await using FlowRun run = await service.StartAsync(Flow.From(numbers, copy).With("copied", new() { Retention = Retention.All })
            .Resolve(), [IOVal.Of("count", All)], run: "run", cancellation: Cancellation);
        IAsyncEnumerator<int> early = run.Output<int>("copied").StreamAsync(Cancellation).GetAsyncEnumerator(Cancellation);
        while (early.Current < Before) Assert.True(await early.MoveNextAsync());
        await servers.CaughtUpAsync();
        await servers.PromoteAsync();
        gates[Before].SetResult();
        while (early.Current < Before + Lost) Assert.True(await early.MoveNextAsync());
        await servers.First.KillAsync();
        gates[Before + Lost].SetResult();

        // A reader beyond the lost point gets an exception and must start again.
        await Assert.ThrowsAsync<StoreRolledBackException>(async () => await early.MoveNextAsync());
        noticed.SetResult();
        await using FlowRun found = (await service.FindAsync("run", Cancellation))!;
        List<int> results = [];
        await foreach (int one in found.Output<int>("copied").StreamAsync(Cancellation)) results.Add(one);
        Assert.Equal(Enumerable.Range(1, All), results);
        Assert.All((await found.GetStatusAsync(Cancellation)).Processors,
            processor => Assert.Equal(FlowStatus.Completed, processor.Status));
        Assert.Contains(warnings, text => text.StartsWith("The store has lost writes of the run run; the processor ",
            StringComparison.Ordinal));
        await found.Completion.WaitAsync(Patience, Cancellation);

        async Task CopyAsync(IO<int> number, IOWriter<int> copied, Checkpoint<int>? checkpoint, CancellationToken cancellation)
        {
            await foreach (int one in number.StreamAsync(cancellation))
            {
                await copied.WriteAsync(one, cancellation);
                if (checkpoint is not null && one % 20 == 0) await checkpoint.SaveAsync(one, cancellation);
            }
        }
    }
}
