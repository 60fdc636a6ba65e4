using Sluice.Flows;
using Sluice.Tests.Flows;

namespace Sluice.Tests.Executors;

/// <summary>Functions that ignore their cancellation, in a child that has other functions, too.</summary>
[StartsProcesses]
[Collection("child processes")]
public class LateFunctionTests
{
    private static CancellationToken Cancellation => FlowLab.Cancellation;

    /// <summary>New functions would keep the child alive, and with it the run that was cancelled.</summary>
    [Fact]
    public async Task AChildWithAFunctionThatIgnoresItsCancellationGetsNoMoreFunctions()
    {
        await using var lab = new FlowLab();
        Supervisor service = lab.Join();
        Processor ignores = new("ignores") { Inputs = ["x"], Outputs = ["y"] }, echo = new("echo") { Inputs = ["x"], Outputs = ["y"] };
        IExecutor python = PythonLab.Executor(count: 1, process: new() { StopTimeout = TimeSpan.FromMilliseconds(200) });
        service.Register(ignores, python);
        service.Register(echo, python);
        var end = new TaskCompletionSource();
        await using FlowRun beside = await service.StartAsync(Flow.From(echo).Resolve(), [IOVal.Stream("x", OpenAsync(end.Task))],
            cancellation: Cancellation);
        await beside.Output<int>("y").FirstAsync(Cancellation);
        await using FlowRun cancelled = await service.StartAsync(Flow.From(ignores).Resolve(), [IOVal.Of("x", "")],
            cancellation: Cancellation);
        int old = await cancelled.Output<int>("y").FirstAsync(Cancellation);
        Assert.Equal(old, Assert.Single(PythonLab.Children()));

        Task cancelling = cancelled.CancelAsync("enough", Cancellation);
        using var patience = new CancellationTokenSource(2 * FlowLab.Patience);
        while (PythonLab.Children().Length < 2)
        {
            patience.Token.ThrowIfCancellationRequested();
            await using FlowRun next = await service.StartAsync(Flow.From(echo).Resolve(), [IOVal.Of("x", 1)], cancellation: Cancellation);
            await next.Completion.WaitAsync(FlowLab.Patience, Cancellation);
        }
        Assert.Contains(old, PythonLab.Children());          // it still has the other function

        end.SetResult();
        Assert.Equal([1, 2], await FlowLab.ReadAsync(beside.Output<int>("y")));
        Assert.Contains("enough", await PythonLab.FailureAsync(cancelled), StringComparison.Ordinal);
        await cancelling.WaitAsync(FlowLab.Patience, Cancellation);
        while (PythonLab.Children().Contains(old))           // it ends after its last function
        {
            patience.Token.ThrowIfCancellationRequested();
            await Task.Yield();
        }
        await service.DisposeAsync().AsTask().WaitAsync(FlowLab.Patience, Cancellation);
        Assert.Empty(PythonLab.Children());
    }

    private static async IAsyncEnumerable<int> OpenAsync(Task end)
    {
        yield return 1;
        await end;
        yield return 2;
    }
}
