using Sluice.Graphs;
using Sluice.Testing;

namespace Sluice.Tests.Graphs.DataFlows;

/// <summary>Policies of functions: retries, fallbacks, timeouts and limits.</summary>
public class DataFlowPolicyTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AFallbackReplacesTheResultOfAFailedFunction(bool reflected)
    {
        static int Count(int n) => n < 0 ? throw new FormatException("no good") : n;
        static async Task<(int a, string b)> TupleAsync(int n)
        {
            await Task.Yield();
            return n < 0 ? throw new FormatException("no good") : (n, "b");
        }
        static Dictionary<string, object> Open(int n) => n < 0 ? throw new FormatException("no good") : new() { ["open"] = n };
        static string All(int count, int a, string b, int open) => $"{count} {a} {b} {open}";
        DataFlow flow = DataFlow.From(
            DataFlow.Function(Count).Retry(1).Fallback(-1), DataFlow.Function(TupleAsync).Fallback((5, "x")),
                DataFlow.Function(Open).Fallback(e => new Dictionary<string, object> { ["open"] = e.Message.Length })) | All;
        if (reflected) flow = flow.Reflected();
        Assert.Equal("1 1 b 1", (await flow.RunAsync(new { n = 1 }, Cancellation)).Get<string>("all"));
        DataFlowResult result = await flow.RunAsync(new { n = -3 }, Cancellation);
        Assert.Equal("-1 5 x 7", result.Get<string>("all"));
        Assert.Equal("Count: fell back after 2 attempts: FormatException: no good",
            result.Outcomes.Single(one => one.Node == "Count").ToString());
        Assert.StartsWith("Count (retry 1, fallback) → join", flow.Topology.ToText(), StringComparison.Ordinal);

        DataFlow wrong = DataFlow.From(DataFlow.Function(Count).Fallback(_ => "text"));
        var failure = await Assert.ThrowsAsync<DataFlowException>(async () => await (reflected ? wrong.Reflected()
            : wrong).RunAsync(new { n = -3 }, Cancellation));
        Assert.Equal("Count returns int, and its fallback is of type string. Let both have one type.", failure.Message);
    }

    [Fact]
    public async Task AnAttemptThatIsOverBeforeItHasAThreadDoesNotCallItsFunction()
    {
        GraphBuilder<int> builder = Graph.For<int>();
        builder.Add("any", n => n);
        GraphContext run = await builder.Build().ResolveAsync(0, Cancellation);
        bool called = false;
        ValueTask<int> call = SyncCall<int>.Start((_, _) =>
        {
            called = true;
            return 1;
        }, run, new CancellationToken(canceled: true));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await call);
        Assert.False(called);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task ALimitHoldsOverAllRunsOfAFlow(bool reflected)
    {
        var clock = new TestClock();
        int running = 0;
        async Task<int> NarrowAsync(int n, CancellationToken cancellation)
        {
            Assert.Equal(1, Interlocked.Increment(ref running));
            await Task.Delay(TimeSpan.FromSeconds(2), clock, cancellation);
            Interlocked.Decrement(ref running);
            return n;
        }
        DataFlow flow = DataFlow.From(DataFlow.Function(NarrowAsync).Limit(1).Timeout(TimeSpan.FromSeconds(3)))
            .With(new DataFlowOptions { Time = clock });
        if (reflected) flow = flow.Reflected();
        Task<DataFlowResult>[] all = [flow.RunAsync(new { n = 0 }, Cancellation).AsTask(),
            flow.RunAsync(new { n = 1, more = 2 }, Cancellation).AsTask(), flow.RunAsync(new { n = 2 }, Cancellation).AsTask()];
        for (int i = 0; i < all.Length; i++)
        {
            await clock.WaitForTimersAsync(2, Cancellation);    // the delay, and the timeout, which does not count the wait for a permit
            clock.Advance(TimeSpan.FromSeconds(2));
            Assert.Equal(i, (await all[i]).Get<int>("narrow"));
        }
        Assert.Equal("NarrowAsync (timeout 3 s, limit 1)", flow.Topology.ToText());
    }

    [Fact]
    public async Task AStoppingRunWaitsForAFunctionWithATimeout()
    {
        var clock = new TestClock();
        var end = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        async Task SlowAsync(CancellationToken cancellation)
        {
            await end.Task;
            cancellation.ThrowIfCancellationRequested();
        }
        static async Task BadAsync()
        {
            await Task.Yield();
            throw new FormatException("no good");
        }
        DataFlow flow = DataFlow.From(DataFlow.Function(SlowAsync).Timeout(TimeSpan.FromSeconds(20)), BadAsync)
            .With(new DataFlowOptions { Time = clock });
        Task<DataFlowResult> running = flow.RunAsync(null, Cancellation).AsTask();
        await clock.WaitForTimersAsync(2, Cancellation);         // the timeout of SlowAsync, and the stop timeout after the failure
        Assert.False(running.IsCompleted);
        clock.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal(["SlowAsync"], (await Assert.ThrowsAsync<NodeFailedException>(() => running)).StillRunning);
        end.SetResult();
    }
}
