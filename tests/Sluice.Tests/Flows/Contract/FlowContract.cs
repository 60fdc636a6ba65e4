using Sluice.Flows;
using Sluice.Storage;
using Sluice.Tests.Delivery;

namespace Sluice.Tests.Flows;

/// <summary>What flows promise over every store: scenarios 6 and 11 to 13 of the protocol, for flows. Each store has a class that derives
/// from this one.</summary>
public abstract partial class FlowContract
{
    // Over a slower store, fewer: still many times what a stream holds.
    private static readonly int Many = ScenarioStore.Share == 1 ? 5_000 : 1_000;
    private static readonly Processor Maker = new("maker") { Outputs = ["x"] };
    private static readonly Processor Work = new("work") { Inputs = ["x"], Outputs = ["y"] };
    private static readonly Flow Working = Flow.From(Work).Resolve();
    private static readonly FlowStreamOptions Small = new() { MaxItems = 100 };

    /// <summary>A new store, empty; disposed by the test.</summary>
    /// <param name="time">Its clock.</param>
    protected abstract ValueTask<IStreamStore> OpenAsync(TimeProvider time);

    // Scenario 6: a commit that fails, before or after it is applied, is retried until it is answered, and counts once.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task FailedCommitsAreRetriedAndCountOnce(bool isApplied)
    {
        await using FlowLab lab = await NewLabAsync();
        var failing = new FailingCommits(lab.Store, isApplied);
        var sums = new Processor("sums") { Inputs = ["y"], Outputs = ["sum"], Resume = ResumeMode.Checkpoint };
        Supervisor service = lab.Join(store: failing);
        service.Register(Work with { Resume = ResumeMode.PerItem }, CopyAsync);
        service.Register(sums, async (IO<int> y, IOWriter<int> sum, Checkpoint<int> state, CancellationToken cancellation) =>
        {
            int now = state.Value;
            await foreach (int value in y.StreamAsync(cancellation)) await state.SaveAsync(now += value, cancellation);
            await sum.WriteAsync(now, cancellation);
        });
        Flow flow = Flow.From(Work with { Resume = ResumeMode.PerItem }, sums).Resolve();
        await using FlowRun run = await lab.Join().StartAsync(flow, Enumerable.Range(0, 40).Select(i => IOVal.Of("x", i)), allOutputs: true,
            cancellation: FlowLab.Cancellation);
        Assert.Equal(Enumerable.Range(0, 40), await FlowLab.ReadAsync(run.Output<int>("y")));
        Assert.Equal([780], await FlowLab.ReadAsync(run.Output<int>("sum")));
        await run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        Assert.True(failing.Failures > 0);
    }

    private async Task<FlowLab> NewLabAsync() => new(await OpenAsync(TimeProvider.System));

    private static async IAsyncEnumerable<IOVal> CopyAsync(IO<int> x)
    {
        await foreach (int value in x.StreamAsync()) yield return IOVal.Of("y", value);
    }

    private static async IAsyncEnumerable<IOVal> MakeMany()
    {
        for (int i = 0; i < Many; i++)
        {
            yield return IOVal.Of("x", i);
            if (i % 100 == 0) await Task.Yield();
        }
    }

    /// <summary>A store that fails every second one of the first commits.</summary>
    private sealed class FailingCommits(IStreamStore inner, bool isApplied) : Sluice.Storage.StreamStoreWrapper(inner, leaveOpen: true)
    {
        private const int First = 12;
        private int calls;

        public int Failures => Volatile.Read(ref calls) / 2;

        public override async ValueTask<CommitResult> CommitAsync(StoreCommit commit, CancellationToken cancellation = default)
        {
            int call = Interlocked.Increment(ref calls);
            bool fails = call < First && call % 2 == 0;
            if (fails && !isApplied) throw new StreamStoreException("The script has failed, as the test wants.");
            CommitResult result = await base.CommitAsync(commit, cancellation);
            return fails ? throw new StreamStoreException("The answer is lost, as the test wants.") : result;
        }
    }
}
