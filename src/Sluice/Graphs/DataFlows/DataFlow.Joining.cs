namespace Sluice.Graphs;

public sealed partial class DataFlow
{
    /// <summary>Adds a stage with one function or flow.</summary>
    public static DataFlow operator |(DataFlow flow, Delegate function) => flow.Then(DataFlowStage.Members([function]));

    /// <summary>Appends the stages of another flow. A flow with a name or options of its own becomes one stage.</summary>
    public static DataFlow operator |(DataFlow flow, DataFlow next)
    {
        ArgumentNullException.ThrowIfNull(next);
        return next.Name is null && next.Given is null ? new(flow, [.. flow.Stages, .. next.Stages]) : flow.Then([next]);
    }

    /// <summary>Adds a stage.</summary>
    public static DataFlow operator |(DataFlow flow, DataFlowStage stage)
    {
        ArgumentNullException.ThrowIfNull(stage);
        return flow.Then(stage.All);
    }

    /// <summary>Adds a stage of functions that run side by side. For more than six functions, use brackets.</summary>
    public static DataFlow operator |(DataFlow flow, (Delegate, Delegate) stage)
        => flow.Then(DataFlowStage.Members([stage.Item1, stage.Item2]));

    /// <inheritdoc cref="op_BitwiseOr(DataFlow, ValueTuple{Delegate, Delegate})"/>
    public static DataFlow operator |(DataFlow flow, (Delegate, Delegate, Delegate) stage)
        => flow.Then(DataFlowStage.Members([stage.Item1, stage.Item2, stage.Item3]));

    /// <inheritdoc cref="op_BitwiseOr(DataFlow, ValueTuple{Delegate, Delegate})"/>
    public static DataFlow operator |(DataFlow flow, (Delegate, Delegate, Delegate, Delegate) stage)
        => flow.Then(DataFlowStage.Members([stage.Item1, stage.Item2, stage.Item3, stage.Item4]));

    /// <inheritdoc cref="op_BitwiseOr(DataFlow, ValueTuple{Delegate, Delegate})"/>
    public static DataFlow operator |(DataFlow flow, (Delegate, Delegate, Delegate, Delegate, Delegate) stage)
        => flow.Then(DataFlowStage.Members([stage.Item1, stage.Item2, stage.Item3, stage.Item4, stage.Item5]));

    /// <inheritdoc cref="op_BitwiseOr(DataFlow, ValueTuple{Delegate, Delegate})"/>
    public static DataFlow operator |(DataFlow flow, (Delegate, Delegate, Delegate, Delegate, Delegate, Delegate) stage)
        => flow.Then(DataFlowStage.Members([stage.Item1, stage.Item2, stage.Item3, stage.Item4, stage.Item5, stage.Item6]));

    private DataFlow Then(object[] stage) => new(this, [.. Stages, stage]);
}
