using System.Linq.Expressions;
using System.Reflection;
using Member = System.Reflection.MemberInfo;

namespace Sluice.Graphs;

/// <summary>A named value, and how to read it in a run. Immutable once its flow is laid out.</summary>
/// <remarks>Compiled code reads it by expressions; where code cannot be compiled, <see cref="Read"/> uses reflection.</remarks>
[RequiresUnreferencedCode(DataFlow.Untrimmed)]
internal abstract class BoundValue(string name, Type type)
{
    private const string Parameters = "parameters";

    /// <summary>The result of reading a value that is not present.</summary>
    public static readonly object Absent = new();

    public string Name => name;

    /// <summary>Its type before the flow runs; <c>object</c> if only the run shows it.</summary>
    public Type Type => type;

    /// <summary>Whether it is a parameter of the flow.</summary>
    public bool IsParameter => ReferenceEquals(Giver, Parameters);

    /// <summary>The function that gives it, or <c>parameters</c>.</summary>
    public virtual string Giver => Parameters;

    /// <summary>Whether it is present in every run, once its function has ended.</summary>
    public virtual bool IsSure => true;

    /// <summary>Whether it stands for several values whose names are known only in a run.</summary>
    public virtual bool IsOpen => false;

    /// <summary>The values of an open one.</summary>
    public virtual NamedValues All(GraphContext run, bool isReflected)
        => throw new InvalidOperationException("Only of what is open all values are asked for.");

    /// <summary>One value of an open one, by its name.</summary>
    public virtual BoundValue At(string wanted) => this;

    /// <summary>An expression for whether it is present; null if it always is.</summary>
    [RequiresDynamicCode(CompiledCode.Dynamic)]
    public virtual Expression? Present(ParameterExpression run) => null;

    /// <summary>An expression for the value, of its type; evaluate it only if the value is present.</summary>
    [RequiresDynamicCode(CompiledCode.Dynamic)]
    public abstract Expression Value(ParameterExpression run);

    public abstract object? Read(GraphContext run);

    public static Type? Underlying(Type type) => Nullable.GetUnderlyingType(type);
}

/// <summary>The result of a function, or a member of it.</summary>
[RequiresUnreferencedCode(DataFlow.Untrimmed)]
internal sealed class ProducedValue(BindingDraft draft, string name, Member[] path, Type type) : BoundValue(name, type)
{
    // A null record or tuple has no members. A null plain result is a value.
    private readonly bool mayLack = path.Length > 0 && (!draft.ValueType.IsValueType || Underlying(draft.ValueType) is not null);

    public override string Giver => draft.Name;

    public override bool IsSure => !mayLack;

    [RequiresDynamicCode(CompiledCode.Dynamic)]
    public override Expression? Present(ParameterExpression run)
        => mayLack ? Expression.NotEqual(Whole(run), Expression.Constant(null, draft.ValueType)) : null;

    [RequiresDynamicCode(CompiledCode.Dynamic)]
    public override Expression Value(ParameterExpression run)
    {
        Expression value = Whole(run);
        if (path.Length > 0 && Underlying(value.Type) is not null) value = Expression.Property(value, "Value");
        foreach (Member member in path) value = Expression.MakeMemberAccess(value, member);
        return value;
    }

    public override object? Read(GraphContext run)
    {
        object? value = run.Value<object?>(draft.Number);
        if (value is null && path.Length > 0) return Absent;
        foreach (Member member in path) value = Get(value, member);
        return value;
    }

    public static object? Get(object? value, Member member)
        => member is FieldInfo field ? field.GetValue(value) : NamedProperties.Read((PropertyInfo)member, value);

    [RequiresDynamicCode(CompiledCode.Dynamic)]
    private Expression Whole(ParameterExpression run) => BindingExpressions.NodeValue(run, draft);
}

/// <summary>An entry of a dictionary, or a member of an object, whose names are known only in a run.</summary>
[RequiresUnreferencedCode(DataFlow.Untrimmed)]
internal sealed class OpenValue(BindingDraft draft, string? wanted = null) : BoundValue(wanted ?? "", typeof(object))
{
    public override string Giver => draft.Name;

    public override bool IsSure => false;

    public override bool IsOpen => wanted is null;

    public override BoundValue At(string name) => new OpenValue(draft, name);

    [RequiresDynamicCode(CompiledCode.Dynamic)]
    public override Expression? Present(ParameterExpression run)
        => Expression.Call(BindingExpressions.NodeValue(run, draft), nameof(NamedValues.Has), null, Expression.Constant(wanted));

    [RequiresDynamicCode(CompiledCode.Dynamic)]
    public override Expression Value(ParameterExpression run)
        => Expression.Call(BindingExpressions.NodeValue(run, draft), nameof(NamedValues.Get), null, Expression.Constant(wanted));

    public override object? Read(GraphContext run)
    {
        var values = (NamedValues)run.Value<object?>(draft.Number)!;
        return values.Has(wanted!) ? values.Get(wanted!) : Absent;
    }

    public override NamedValues All(GraphContext run, bool isReflected)
        => isReflected ? (NamedValues)run.Value<object?>(draft.Number)! : run.Value<NamedValues>(draft.Number);
}

/// <summary>A parameter of the flow: a property of the parameter object.</summary>
[RequiresUnreferencedCode(DataFlow.Untrimmed)]
internal sealed class PropertyValue(PropertyInfo property) : BoundValue(FunctionSignature.CamelCase(property.Name), property.PropertyType)
{
    [RequiresDynamicCode(CompiledCode.Dynamic)]
    public override Expression Value(ParameterExpression run)
        => Expression.Property(Expression.Convert(BindingExpressions.Request(run), property.DeclaringType!), property);

    public override object? Read(GraphContext run) => NamedProperties.Read(property, ((DataFlowRun)run).Request);
}

/// <summary>A parameter of the flow: an entry of a dictionary. A run keeps the entries' values in the order of the names.</summary>
[RequiresUnreferencedCode(DataFlow.Untrimmed)]
internal sealed class EntryValue(int index, string name, Type type) : BoundValue(name, type)
{
    [RequiresDynamicCode(CompiledCode.Dynamic)]
    public override Expression Value(ParameterExpression run)
        => Expression.Convert(Expression.ArrayIndex(Expression.Convert(BindingExpressions.Request(run), typeof(object[])),
        Expression.Constant(index)), Type);

    public override object? Read(GraphContext run) => ((object?[])((DataFlowRun)run).Request!)[index];
}

/// <summary>Any parameter of the flow, for a layout before the parameters are known.</summary>
[RequiresUnreferencedCode(DataFlow.Untrimmed)]
internal sealed class UnknownValue(string wanted = "") : BoundValue(wanted, typeof(object))
{
    public override bool IsSure => false;

    public override bool IsOpen => Name.Length == 0;

    public override BoundValue At(string name) => new UnknownValue(name);

    [RequiresDynamicCode(CompiledCode.Dynamic)]
    public override Expression Value(ParameterExpression run)
        => throw new InvalidOperationException("The flow is not run before its parameters are known.");

    public override object? Read(GraphContext run)
        => throw new InvalidOperationException("The flow is not run before its parameters are known.");
}
