using System.Linq.Expressions;

namespace Sluice.Graphs;

/// <summary>
/// The entries of a parameter dictionary in a flow that is run with dictionaries of many forms; names are looked up in the run.
/// </summary>
[RequiresUnreferencedCode(DataFlow.Untrimmed)]
internal sealed class OpenEntries(string? wanted = null) : BoundValue(wanted ?? "", typeof(object))
{
    public override bool IsSure => false;

    public override bool IsOpen => wanted is null;

    public override BoundValue At(string name) => new OpenEntries(name);

    [RequiresDynamicCode(CompiledCode.Dynamic)]
    public override Expression? Present(ParameterExpression run)
        => Expression.Call(Entries(run), nameof(NamedValues.Has), null, Expression.Constant(wanted));

    [RequiresDynamicCode(CompiledCode.Dynamic)]
    public override Expression Value(ParameterExpression run)
        => Expression.Call(Entries(run), nameof(NamedValues.Get), null, Expression.Constant(wanted));

    public override object? Read(GraphContext run) => Entries(run) is var values && values.Has(wanted!) ? values.Get(wanted!) : Absent;

    public override NamedValues All(GraphContext run, bool isReflected) => Entries(run);

    private static NamedValues Entries(GraphContext run) => (NamedValues)((DataFlowRun)run).Request!;

    [RequiresDynamicCode(CompiledCode.Dynamic)]
    private static UnaryExpression Entries(ParameterExpression run)
        => Expression.Convert(BindingExpressions.Request(run), typeof(NamedValues));
}
