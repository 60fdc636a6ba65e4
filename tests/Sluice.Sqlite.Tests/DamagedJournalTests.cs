using Sluice.Flows;
using Sluice.Storage;

namespace Sluice.Sqlite.Tests;

/// <summary>A run whose journal is damaged fails when its next host has read so far.</summary>
public class DamagedJournalTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);
    private static readonly Processor Work = new("work") { Inputs = ["x"], Outputs = ["y"] };

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <remarks>Formerly a read of the journal failed as a whole, and the host tried for ever.</remarks>
    [Fact]
    public async Task ARunWithADamagedJournalFails()
    {
        await using var fixture = new SqliteStoreFixture(Durability.Process);
        byte[] second;
        await using (IStreamStore store = await fixture.OpenAsync(TimeProvider.System))
        {
            await using Supervisor starter = Supervisor.Attach(store);
            await using FlowRun run = await starter.StartAsync(Flow.From(Work).Resolve(), [IOVal.Of("x", 1)], run: "run",
                cancellation: Cancellation);
            await RunWatch.AddAsync(new(store, TimeProvider.System, static _ => { }, Patience), "run",
                new(RunEventKind.Moving, "test", "work"), Cancellation);
            second = (await store.ReadAsync(new(FlowNames.Journal("run"), 0, 2), Cancellation)).Entries.Span[0].Payload.ToArray();
        }
        Assert.True(await fixture.DamageAsync(FlowNames.Journal("run"), 0, 2, second));

        await using IStreamStore damaged = await fixture.OpenAsync(TimeProvider.System);
        await using Supervisor host = Supervisor.Attach(damaged, new() { OnWarning = static _ => { } });
        host.Register(Work, async (IO<int> x, IOWriter<int> y) => await y.WriteAsync(await x.FirstAsync()));
        string result = FlowNames.Values("run", "y");
        StreamEnd? end;
        while (true)
        {
            long seen = await damaged.WaitForChangeAsync(result, -1, Cancellation);
            end = (await damaged.FindStreamAsync(result, Cancellation))!.End;
            if (end is not null) break;
            await damaged.WaitForChangeAsync(result, seen, Cancellation).AsTask().WaitAsync(Patience, Cancellation);
        }
        Assert.Contains("The journal of the run run cannot be followed any further", end.Failure, StringComparison.Ordinal);
        Assert.Contains("flow/run/0/2 is damaged", end.Failure, StringComparison.Ordinal);
    }
}
