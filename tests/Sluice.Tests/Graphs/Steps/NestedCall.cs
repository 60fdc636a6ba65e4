using Sluice.Graphs;

namespace Sluice.Tests.Graphs;

/// <summary>How the body of a step waits for the steps that it calls.</summary>
internal enum Wait
{
    OneByOne,
    WhenAllOfFutures,
    WhenAllOfHelpers,
    WhenAllOfTasks,
    ForEach,
    Graph,
    DataFlow,
    Scope,
}

/// <summary>A random tree of calls: each call makes its child calls, and waits for them in its own way; a leaf works.</summary>
internal sealed record NestedCall(Wait Wait, int Step, int Places, NestedCall[] Children)
{
    public int Leaves => Children.Length == 0 ? 1 : Children.Sum(child => child.Leaves);

    /// <param name="random">Decides the shape of the tree.</param>
    /// <param name="depth">The maximal depth of the tree.</param>
    /// <param name="steps">The number of steps to choose from.</param>
    /// <param name="isSerial">Whether everything stays on the scheduler of the test.</param>
    public static NestedCall Random(Random random, int depth, int steps, bool isSerial)
    {
        int children = depth == 0 ? 0 : random.Next(0, 4);
        Wait wait;
        do wait = (Wait)random.Next(Enum.GetValues<Wait>().Length);
        while (isSerial && wait == Wait.ForEach);
        return new(wait, random.Next(steps), random.Next(0, 3),
            [.. Enumerable.Range(0, children).Select(_ => Random(random, depth - 1, steps, isSerial))]);
    }

    public override string ToString() => Children.Length == 0 ? $"{Step}"
        : $"{Step}.{Wait}({string.Join(", ", Children.Select(child => $"{child}"))})";
}

/// <summary>Runs such a tree: steps with limits and without, which call each other.</summary>
/// <param name="options">The options of inner scopes.</param>
/// <param name="workAsync">The work of a call without children.</param>
internal sealed class NestedCalls(StepScopeOptions options, Func<Task> workAsync)
{
    private readonly List<Step<NestedCall, int>> steps = [];
    private readonly int[] limits = [0, 0, 1, 1, 2];
    private readonly int[] running = new int[5];

    /// <summary>How often a call without children began to work although its step had reached its limit.</summary>
    public int Excess { get; private set; }

    public int Count => limits.Length;

    public Future<int> Call(NestedCall call)
    {
        if (steps.Count == 0)
        {
            for (int i = 0; i < limits.Length; i++)
            {
                int number = i;
                var step = Step.Of((NestedCall each) => RunAsync(each, number)).Named($"step{number}");
                if (limits[i] > 0) step = step.Limit(limits[i]);
                // A virtual clock would reach the timeout while a graph goes on in the thread pool.
                steps.Add(i % 2 == 0 ? step : options.Scheduler.IsSerial ? step.Retry(1) : step.Retry(1).Timeout(TimeSpan.FromDays(1)));
            }
        }
        return steps[call.Step](call);
    }

    private async Task<int> RunAsync(NestedCall call, int step)
    {
        if (call.Children.Length == 0) return await WorkAsync(step);
        switch (call.Wait)
        {
            case Wait.OneByOne: return await OneByOneAsync(call);
            case Wait.WhenAllOfFutures: return (await Future.WhenAll(call.Children.Select(Call))).Sum();
            case Wait.WhenAllOfHelpers: return (await Task.WhenAll(call.Children.Select(HelpAsync))).Sum();
            case Wait.WhenAllOfTasks: return (await Task.WhenAll(call.Children.Select(child => Call(child).AsTask()))).Sum();
            case Wait.ForEach:
                int sum = 0;
                await Parallel.ForEachAsync(call.Children, async (child, _) => Interlocked.Add(ref sum, await HelpAsync(child)));
                return sum;
            case Wait.Graph: return await InGraphAsync(call);
            case Wait.DataFlow: return await InDataFlowAsync(call);
            case Wait.Scope:
                await using (StepScope scope = StepScope.Begin(call.Places == 0 ? null : call.Places, options: options))
                {
                    Future<int>[] all = [.. call.Children.Select(Call)];
                    await scope.Completion;
                    return (await Future.WhenAll(all)).Sum();
                }
            default: throw new InvalidOperationException();
        }
    }

    /// <summary>A branch of a body, with two awaits: the code between them is work of the body.</summary>
    private async Task<int> HelpAsync(NestedCall call)
    {
        int first = await Call(call);
        _ = await Call(call with { Children = [] });
        return first;
    }

    private async Task<int> OneByOneAsync(NestedCall call)
    {
        int sum = 0;
        foreach (NestedCall child in call.Children) sum += await Call(child);
        return sum;
    }

    private async Task<int> InGraphAsync(NestedCall call)
    {
        GraphBuilder<NestedCall> builder = Graph.For<NestedCall>("nested");
        GraphNode<int>[] nodes = [.. call.Children.Select((child, i) =>
        {
            GraphNode<int> node = builder.Add($"child{i}", async _ => await HelpAsync(child));
            return call.Places == 0 ? node : node.Limit(call.Places);
        })];
        GraphContext<NestedCall> context = await builder.Build().ResolveAsync(call);
        return nodes.Sum(node => context.Get(node));
    }

    private async Task<int> InDataFlowAsync(NestedCall call)
    {
        DataFlow flow = DataFlow.From([.. call.Children.Select((child, i) => DataFlow.Function(async () => await HelpAsync(child))
            .Named($"child{i}"))]);
        DataFlowResult result = await flow.RunAsync();
        return Enumerable.Range(0, call.Children.Length).Sum(i => result.Get<int>($"child{i}"));
    }

    private async Task<int> WorkAsync(int step)
    {
        if (Interlocked.Increment(ref running[step]) > limits[step] && limits[step] > 0) Excess++;
        await workAsync();
        Interlocked.Decrement(ref running[step]);
        return 1;
    }
}
