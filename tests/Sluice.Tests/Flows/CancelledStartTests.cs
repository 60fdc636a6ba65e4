using Sluice.Flows;

namespace Sluice.Tests.Flows;

/// <summary>A start whose caller gives up may have started the run; then this service puts its inputs in.</summary>
public class CancelledStartTests
{
    private static readonly Processor Sum = new("sum") { Inputs = ["x"], Outputs = ["y"] };

    /// <param name="isHeldUp">Whether the store answers the commit after the caller has given up.</param>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AStartThatIsCancelledBehindItsCommitPutsTheInputsIn(bool isHeldUp)
    {
        await using var lab = new FlowLab();
        using var caller = new CancellationTokenSource();
        var answer = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        if (!isHeldUp) answer.SetResult();
        var store = new HookedStore(lab.Store);
        store.AfterCommit = commit =>
        {
            if (commit.Readers.Count == 0) return Task.CompletedTask;            // of a processor
            store.AfterCommit = null;
            caller.Cancel();
            return answer.Task;
        };
        Supervisor service = lab.Join(store: store);
        service.Register(Sum, async (IO<int> x, CancellationToken cancellation)
            => await x.StreamAsync(cancellation).SumAsync(cancellation));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => StartAsync(caller.Token));
        if (isHeldUp) answer.SetResult();

        await using FlowRun run = await StartAsync(FlowLab.Cancellation);
        Assert.Equal([6], await FlowLab.ReadAsync(run.Output<int>("y")).WaitAsync(FlowLab.Patience, FlowLab.Cancellation));
        await run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);

        Task<FlowRun> StartAsync(CancellationToken cancellation) => service.StartAsync(Flow.From(Sum).Resolve(),
            [IOVal.Stream("x", FlowLab.Many([1, 2, 3], CancellationToken.None))], run: "import-7", cancellation: cancellation);
    }
}
