using Sluice.Testing;

namespace Sluice.Tests.Engine;

/// <summary>Runs whose items have all ended, while a node does not end; and readers of outputs of cancelled runs.</summary>
public class EndingNodeTests
{
    private readonly TestClock clock = new();
    private readonly TaskCompletionSource isEnding = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public enum Way
    {
        Stop,
        Cancel,
        Token,
    }

    [Theory]
    [InlineData(Way.Stop)]
    [InlineData(Way.Cancel)]
    [InlineData(Way.Token)]
    public async Task ANodeThatDoesNotEndHoldsUpNoStop(Way way)
    {
        using var caller = new CancellationTokenSource();
        PipelineRun run = (Source.From([1]) | StageNode.Of(() => new Endless(isEnding)) | (static (int _) => { }))
            .Start(new RunOptions { Time = clock, StopTimeout = TimeSpan.FromSeconds(1) }, caller.Token);
        await isEnding.Task;
        Task stopping = way switch
        {
            Way.Stop => run.StopAsync(TimeSpan.FromSeconds(2)),
            Way.Cancel => run.CancelAsync(),
            _ => caller.CancelAsync(),
        };
        while (!stopping.IsCompleted || !run.Completion.IsCompleted)
        {
            clock.Advance(TimeSpan.FromMilliseconds(100));
            await Task.Yield();
            TestContext.Current.CancellationToken.ThrowIfCancellationRequested();
        }
    }

    [Fact]
    public async Task AReaderOfAnOutputIsToldThatItsRunWasCancelled()
    {
        var never = new TaskCompletionSource();
        PipelineRun run = (Source.From([1, 2]) | StageNode.Of(() => new Splitter(never.Task)) | (static (int _) => { }))
            .Start(new RunOptions { Outputs = ["odd"] });
        Assert.Equal(1, await run.Output<int>("odd").ReadAsync(TestContext.Current.CancellationToken));
        _ = run.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run.Output<int>("odd").Completion);
        never.SetResult();
        await run.DisposeAsync();
    }

    private sealed class Endless(TaskCompletionSource isEnding) : StageNode<int, int>, IAsyncDisposable
    {
        public ValueTask DisposeAsync()
        {
            isEnding.TrySetResult();
            return new(Task.Delay(Timeout.Infinite, CancellationToken.None));
        }

        protected override ValueTask ProcessAsync(int item, Output<int> output, CancellationToken cancellation) => output.PushAsync(item);
    }

    private sealed class Splitter(Task end) : StageNode<int, int>
    {
        private readonly NamedOutput<int> odd = new("odd");

        protected override async ValueTask ProcessAsync(int item, Output<int> output, CancellationToken cancellation)
        {
            if (item == 1) await output.PushAsync(odd, item);
            else await end.WaitAsync(cancellation);
        }
    }
}
