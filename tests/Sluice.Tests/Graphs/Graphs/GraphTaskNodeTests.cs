using Sluice.Graphs;

namespace Sluice.Tests.Graphs;

/// <summary>Nodes whose functions return a task without a value: they are awaited like all others.</summary>
public class GraphTaskNodeTests
{
    private readonly TaskCompletionSource go = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int ended;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task EveryFormOfTaskFunctionIsAwaitedAndProducesNothing()
    {
        GraphBuilder<int> builder = Graph.For<int>();
        GraphNode<int> number = builder.Add("number", n => n);
        GraphNode<Unit>[] logs =
        [
            builder.Add("group", LogAsync),
            builder.Add("group with token", LogUntilAsync),
            builder.Add("lambda", n => LogAsync(n)),
            builder.Add("lambda with token", (n, cancellation) => LogUntilAsync(n, cancellation)),
            builder.Add("async lambda", async n => await LogAsync(n)),
            builder.Add("async lambda with token", async (n, cancellation) => await LogUntilAsync(n, cancellation)),
            builder.Add("value task", n => LogValueAsync(n)),
            builder.Add("group of value task", LogValueAsync),
            builder.Add("value task with token", (n, cancellation) => LogValueUntilAsync(n, cancellation)),
            builder.Add("one", number, LogAsync),
            builder.Add("one with token", number, async (n, cancellation) => await LogUntilAsync(n, cancellation)),
            builder.Add("two", number, number, (a, b) => LogAsync(a + b)),
            builder.Add("two, value task", number, number, (a, b, cancellation) => LogValueUntilAsync(a + b, cancellation)),
            builder.Add("three", number, number, number, async (a, b, c) => await LogAsync(a + b + c)),
            builder.Add("four", number, number, number, number, (a, b, c, d, cancellation) => LogUntilAsync(a + b + c + d, cancellation)),
            builder.Add("list", [number], async (context, cancellation) => await LogUntilAsync(context.Get(number), cancellation)),
            builder.Add("list, value task", [number], (context, _) => LogValueAsync(context.Get(number))),
        ];
        // Functions with a value still produce it.
        GraphNode<int> list = builder.Add("list of task", [number], (context, _) => Task.FromResult(context.Get(number)));
        GraphNode<int> valued = builder.Add("group with value", number, ValueAsync);
        GraphNode<int> after = builder.Add("after", logs, (_, _) => Task.FromResult(ended));
        ValueTask<GraphContext<int>> resolving = builder.Build().ResolveAsync(1, Cancellation);
        Assert.Equal(0, ended);
        go.SetResult();
        GraphContext<int> context = await resolving;
        Assert.Equal((logs.Length, 1, 1), (context.Get(after), context.Get(list), context.Get(valued)));
        Assert.Equal(["after", "group with value", "list of task"], context.Leaves.Keys.Order(StringComparer.Ordinal));
        Assert.Equal(["after", "group with value", "list of task", "number"], context.Merged.Keys.Order(StringComparer.Ordinal));
        Assert.Equal("lambda: produced nothing", context.Outcome(logs[2]).ToString());
        Assert.Null(context["lambda"]);
    }

    [Fact]
    public async Task AFailedTaskNodeFailsTheResolveOrSkipsItsChild()
    {
        GraphBuilder<int> builder = Graph.For<int>();
        GraphNode<Unit> log = builder.Add("log", (int n) => n == 0 ? Task.CompletedTask
            : Task.FromException(new FormatException("no good")));
        Graph<int> strict = builder.Build();
        Assert.Equal("The node log failed: no good",
            (await Assert.ThrowsAsync<NodeFailedException>(async () => await strict.ResolveAsync(1, Cancellation))).Message);
        Graph<int> lenient = strict.With(changed => changed.Add("child", changed.Get<Unit>("log").Optional(), _ => 5).Needs());
        Assert.Equal(5, (await lenient.ResolveAsync(0, Cancellation))["child"]);
        Assert.Equal("child: skipped, as log produced nothing", (await lenient.ResolveAsync(1, Cancellation)).Outcomes[1].ToString());
        Assert.Equal(NodeStatus.Succeeded, (await lenient.ResolveAsync(0, Cancellation)).Outcome(log).Status);
    }

    [Fact]
    public void ATaskWithinATaskIsRefused()
    {
        GraphBuilder<int> builder = Graph.For<int>();
        Says("Task<int>", () => builder.Add("nested", n => Task.FromResult(Task.FromResult(n))));
        Says("Task", () => builder.Add("nested", n => Task.FromResult(LogAsync(n))));
        Says("ValueTask<int>", () => builder.Add("nested", n => Task.FromResult(new ValueTask<int>(n))));
        Says("Task", () => builder.Add<Task>("nested", (Func<int, Task>)LogAsync));

        static void Says(string type, Action add)
            => Assert.StartsWith($"The node nested would produce a {type}, which would not be awaited, and its failure would be lost.",
            Assert.Throws<ArgumentException>(add).Message, StringComparison.Ordinal);
    }

    private static Task<int> ValueAsync(int n) => Task.FromResult(n);

    private async Task LogAsync(int n)
    {
        await go.Task;
        Interlocked.Increment(ref ended);
    }

    private Task LogUntilAsync(int n, CancellationToken cancellation) => LogAsync(n);

    private ValueTask LogValueAsync(int n) => new(LogAsync(n));

    private ValueTask LogValueUntilAsync(int n, CancellationToken cancellation) => new(LogAsync(n));
}
