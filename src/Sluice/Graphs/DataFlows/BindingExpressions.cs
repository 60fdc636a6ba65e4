using System.Linq.Expressions;

namespace Sluice.Graphs;

/// <summary>Makes the expressions that read values in a run.</summary>
[RequiresUnreferencedCode(DataFlow.Untrimmed)]
[RequiresDynamicCode(CompiledCode.Dynamic)]
internal static class BindingExpressions
{
    public static Expression NodeValue(ParameterExpression run, BindingDraft draft)
        => Expression.Call(run, nameof(GraphContext.Value), [draft.ValueType], Expression.Constant(draft.Number));

    public static Expression Request(ParameterExpression run)
        => Expression.Property(Expression.Convert(run, typeof(DataFlowRun)), nameof(DataFlowRun.Request));

    /// <summary>The first of these values that is present, as an object; <see cref="BoundValue.Absent"/> if none is.</summary>
    public static Expression Boxed(ParameterExpression run, IReadOnlyList<BoundValue> places)
    {
        Expression found = Expression.Constant(BoundValue.Absent);
        for (int i = places.Count - 1; i >= 0; i--)
        {
            Expression value = Expression.Convert(places[i].Value(run), typeof(object));
            found = places[i].Present(run) is { } present ? Expression.Condition(present, value, found) : value;
        }
        return found;
    }

    /// <summary>An argument, with the type of its parameter.</summary>
    public static Expression Argument(ParameterExpression run, ParameterExpression cancellation, ParameterBinding binding,
        MissingBinding missing)
    {
        if (binding.IsToken) return cancellation;
        Expression found = binding.HasDefault && !binding.TakesTheOnlyOne ? Default(binding)
            : Expression.Call(Expression.Constant(missing), nameof(MissingBinding.Only), [binding.Type], run);
        for (int i = binding.Places.Count - 1; i >= 0; i--)
        {
            Expression value = As(binding.Places[i].Value(run), binding.Type, missing);
            if (binding.RefusesNull) value = Expression.Coalesce(value,
                Expression.Throw(Expression.Call(Expression.Constant(missing), nameof(MissingBinding.Null), null), binding.Type));
            found = binding.Places[i].Present(run) is { } present ? Expression.Condition(present, value, found) : value;
        }
        return found;
    }

    private static Expression Default(ParameterBinding binding) => binding.Rest is { } rest
        ? Expression.Convert(Expression.Property(Expression.Constant(rest), nameof(EmptyCollections.Empty)), binding.Type)
        : Expression.Constant(binding.Default, binding.Type);

    private static Expression As(Expression value, Type type, MissingBinding missing)
    {
        if (value.Type == type) return value;
        if (value.Type == typeof(object) || value.Type == typeof(FlowNull))
            return Expression.Call(Expression.Constant(missing), nameof(MissingBinding.Cast), [type],
                Expression.Convert(value, typeof(object)));
        return Expression.Convert(value, type);
    }
}
