using Sluice.Diagnostics;

namespace Sluice.Graphs;

/// <summary>A flow compiled for one form of parameters. Immutable, thread-safe.</summary>
[RequiresUnreferencedCode(DataFlow.Untrimmed)]
internal sealed class CompiledDataFlow
{
    private readonly GraphPlan plan;
    private readonly Dictionary<string, Func<GraphContext, object?>> readers = new(StringComparer.OrdinalIgnoreCase);
    private readonly Lazy<BindingCollector> collector;

    public CompiledDataFlow(DataFlow flow, BindingParameters parameters)
    {
        Parameters = parameters;
        var layout = new BindingLayout(flow, parameters.Bag);
        BindingCompiler code = CodeFor(flow);
        Code = code;
        plan = new([.. layout.Drafts.Select(code.Node)], layout.Topology, flow.Options.ForGraph());
        collector = new(() => new(layout.Result, code));
        IsOpen = layout.Result.IsOpen;
        foreach (string name in layout.Result.Names)
        {
            List<BoundValue> places = [];
            layout.Result.Find(name, places);
            Lazy<Func<GraphContext, object?>> reader = new(() => code.Reader(places));
            readers.Add(name, run => reader.Value(run));
        }
    }

    public BindingParameters Parameters { get; }

    /// <summary>The owner of the errors of its runs.</summary>
    public object Code { get; }

    /// <summary>Whether runs may have results whose names are known only then.</summary>
    public bool IsOpen { get; }

    /// <summary>Reads a result by its name.</summary>
    public bool TryFind(GraphContext run, string name, out object? value)
    {
        if (IsOpen)
        {
            bool isThere = Collect(run).TryGetValue(name, out var found);
            value = found.Value;
            return isThere;
        }
        value = readers.TryGetValue(name, out var read) ? read(run) : BoundValue.Absent;
        return value != BoundValue.Absent;
    }

    public Dictionary<string, (object? Value, string Giver)> Collect(GraphContext run) => collector.Value.Collect(run);

    public ValueTask<DataFlowResult> RunAsync(object? parameters, CancellationToken cancellation)
        => OnceTelemetry.IsTraced ? WatchedAsync(parameters, cancellation) : StartAsync(parameters, cancellation);

    // A separate method, because the closure is allocated in the method that has it.
    private ValueTask<DataFlowResult> WatchedAsync(object? parameters, CancellationToken cancellation)
        => OnceTelemetry.GraphAsync(plan.Topology.Name, () => StartAsync(parameters, cancellation));

    private ValueTask<DataFlowResult> StartAsync(object? parameters, CancellationToken cancellation)
        => new DataFlowRun(this, plan, Parameters.Pack(parameters), cancellation).RunAsync();

    private static BindingCompiler CodeFor(DataFlow flow)
    {
        if (RuntimeFeature.IsDynamicCodeSupported && !flow.IsReflected) return new CompiledCode();
        return new ReflectedCode();
    }
}
