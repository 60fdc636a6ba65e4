using System.Collections.Concurrent;
using Sluice.Flows;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Flows;

/// <summary>An attempt reads what was added to the journal of its run, not the journal.</summary>
public class JournalReadsTests
{
    private const int Items = 60;

    [Fact]
    public async Task ManyFailedAttemptsReadTheJournalOnce()
    {
        await using var lab = new FlowLab();
        var store = new JournalStore(lab.Store);
        Supervisor service = lab.Join(store: store);
        var work = new Processor("work")
        {
            Inputs = ["x"],
            Outputs = ["y"],
            Resume = ResumeMode.PerItem,
            Retry = new(1) { Delay = TimeSpan.Zero }
        };
        ConcurrentDictionary<int, bool> failed = new();
        service.Register(work, async (IO<int> x, IOWriter<int> y) =>
        {
            await foreach (int value in x.StreamAsync())
            {
                if (failed.TryAdd(value, true)) throw new IOException("no paper");
                await y.WriteAsync(value);
            }
        });
        await using FlowRun run = await service.StartAsync(Flow.From(work).Resolve(),
            Enumerable.Range(1, Items).Select(value => IOVal.Of("x", value)), cancellation: FlowLab.Cancellation);
        Assert.Equal(Enumerable.Range(1, Items), await FlowLab.ReadAsync(run.Output<int>("y")));
        await run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        Assert.Equal(Items, failed.Count);
        Assert.InRange(store.Given, 2 * Items, 10 * Items);
    }

    /// <summary>Counts the entries of journals that it gives out.</summary>
    private sealed class JournalStore(IStreamStore inner) : StreamStoreWrapper(inner, leaveOpen: true)
    {
        private int given;

        public int Given => Volatile.Read(ref given);

        public override async ValueTask<ReadResult> ReadAsync(ReadRequest request, CancellationToken cancellation = default)
        {
            ReadResult result = await base.ReadAsync(request, cancellation);
            if (request.Stream.StartsWith(FlowNames.Runs, StringComparison.Ordinal)) Interlocked.Add(ref given, result.Entries.Length);
            return result;
        }
    }
}
