using Sluice.Graphs;

namespace Sluice.Tests.Graphs;

/// <summary>A function returns null instead of a task: one error, which names the function.</summary>
public class NullTaskTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private static Task<int> Value(int n) => null!;

    private static Task End(int n) => null!;

    private static Task<object> Open(int n) => null!;

    [Fact]
    public async Task AStepThatReturnsANullTaskFails()
    {
        await SaysAsync(() => Step.Of<int, int>(Value).Named("load")(1));
        await SaysAsync(() => Step.Of<int>(End).Named("load")(1));
        await SaysAsync(() => Step.Of<int, int>(Value).Named("load").Retry(1).Timeout(TimeSpan.FromMinutes(1)).Limit(1)(1));
        await SaysAsync(() => Step.Of((int a, int b, int c, int d, CancellationToken cancellation) => (Task<int>)null!)
            .Named("load")(1, 2, 3, 4));

        static async Task SaysAsync(Func<Future> call)
            => Assert.Equal("load returned null instead of a task.",
            (await Assert.ThrowsAnyAsync<InvalidOperationException>(async () => await call())).Message);
    }

    [Fact]
    public async Task ANodeThatReturnsANullTaskFails()
    {
        await SaysAsync(graph => graph.Add("load", Value));
        await SaysAsync(graph => graph.Add("load", End));
        await SaysAsync(graph => graph.Add("load", (n, cancellation) => (Task<int>)null!).Retry(1).Timeout(TimeSpan.FromMinutes(1)),
            " after 2 attempts");
        await SaysAsync(graph => graph.Add("load", graph.Add("one", n => n), graph.Add("two", n => n),
            (a, b, cancellation) => (Task)null!));
        await SaysAsync(graph => graph.Add("load", [graph.Add("one", n => n)], context => (Task<int>)null!));

        static async Task SaysAsync(Action<GraphBuilder<int>> add, string after = "")
        {
            GraphBuilder<int> builder = Graph.For<int>();
            add(builder);
            Assert.Equal($"The node load failed{after}: It returned null instead of a task.",
                (await Assert.ThrowsAsync<NodeFailedException>(async () => await builder.Build().ResolveAsync(1, Cancellation))).Message);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task ADataFlowFunctionThatReturnsANullTaskFails(bool isReflected)
    {
        foreach (Delegate function in new Delegate[] { Value, End, Open })
        {
            DataFlow flow = DataFlow.From(DataFlow.Function(function).Named("load"));
            if (isReflected) flow = flow.Reflected();
            Assert.Equal("The function load failed: It returned null instead of a task.",
                (await Assert.ThrowsAsync<NodeFailedException>(async () => await flow.RunAsync(new { n = 1 }, Cancellation))).Message);
        }
    }
}
