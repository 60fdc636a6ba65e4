using System.Reflection;
using Sluice.Topologies;

namespace Sluice.Graphs;

/// <summary>The kinds of return values.</summary>
internal enum FlowReturn
{
    Nothing,
    Value,
    Task,
    ValueTask,
    TaskOfValue,
    ValueTaskOfValue,
}

/// <summary>A function as a data flow sees it: name, parameters, result. Immutable.</summary>
[RequiresUnreferencedCode(DataFlow.Untrimmed)]
internal sealed class FunctionSignature
{
    private const string Async = "Async";

    private FunctionSignature(Delegate function, ParameterInfo[] parameters, FlowReturn returns, Type? value)
        => (Function, Parameters, Return, Value) = (function, parameters, returns, value);

    public Delegate Function { get; }

    public MethodInfo Method => Function.Method;

    /// <summary>The parameters that a call supplies, in order.</summary>
    public ParameterInfo[] Parameters { get; }

    public FlowReturn Return { get; }

    /// <summary>The type of the result, after tasks; null if there is none.</summary>
    public Type? Value { get; }

    /// <summary>Whether the function runs to its end on the calling thread.</summary>
    public bool IsSynchronous => Return is FlowReturn.Nothing or FlowReturn.Value;

    /// <summary>The name in the source code; null for lambdas.</summary>
    public string? Name => NodeNames.Of(Function);

    /// <exception cref="DataFlowException">Values cannot be bound to the function by name.</exception>
    public static FunctionSignature Of(Delegate function)
    {
        if (function is null) throw new DataFlowException("Null is not a function. Give methods, lambdas or data flows.");
        // new Func<…>(other) calls other's Invoke; the function in the source code is inside.
        while (function.Target is Delegate inner && function.Method.Name == "Invoke") function = inner;
        MethodInfo method = function.Method;
        string name = NodeNames.Of(function) ?? "A lambda";
        // The compiler may put closures before the parameters of the delegate.
        int given = function.GetType().GetMethod("Invoke")!.GetParameters().Length;
        ParameterInfo[] parameters = method.GetParameters();
        if (parameters.Length < given)
            throw new DataFlowException($"{name} is a delegate that takes the object of an instance method as its first argument, which "
                + "has no name. Give a lambda with typed parameters.");
        parameters = parameters[^given..];
        if (Problem(function, method, name, parameters) is { } problem) throw new DataFlowException(problem);
        var (returns, value) = Result(method.ReturnType);
        return new(function, parameters, returns, value);
    }

    /// <summary>The name of a plain result: <c>source</c> for <c>SourceAsync</c>.</summary>
    public static string ResultName(string function)
        => CamelCase(function.Length > Async.Length && function.EndsWith(Async, StringComparison.Ordinal) ? function[..^Async.Length]
        : function);

    public static string CamelCase(string name) => name.Length == 0 ? name : char.ToLowerInvariant(name[0]) + name[1..];

    private static string? Problem(Delegate function, MethodInfo method, string name, ParameterInfo[] parameters)
    {
        if (function.GetInvocationList().Length > 1)
            return $"{name} is {function.GetInvocationList().Length} functions in one delegate. Give them one by one.";
        if (method.ContainsGenericParameters)
            return $"{name} is generic, and its types are open. Give it with its types, such as {name}<int>.";
        if (parameters.FirstOrDefault(parameter => parameter.ParameterType.IsByRef) is { } reference)
            return $"{name} takes {reference.Name} by reference ({(reference.IsOut ? "out" : reference.IsIn ? "in" : "ref")}). Values are "
                + $"passed on by name: take it by value, and return what is to be passed on.";
        if (parameters.FirstOrDefault(parameter => parameter.ParameterType.IsByRefLike || parameter.ParameterType.IsPointer) is { } stack)
            return $"{name} takes {stack.Name} as {TypeNames.Of(stack.ParameterType)}, which cannot be kept until it is called. Take an "
                + $"array or a Memory<T>.";
        if (parameters.FirstOrDefault(parameter => string.IsNullOrEmpty(parameter.Name)) is not null)
            return $"{name} has parameters without names, and values are bound by name.";
        Type returns = method.ReturnType;
        if (returns.IsByRef || returns.IsByRefLike || returns.IsPointer)
            return $"{name} returns {TypeNames.Of(returns)}, which cannot be kept. Return a value.";
        if (Result(returns).Value is { } value && PendingWork.Is(value))
            return value == returns
                ? $"{name} returns a {TypeNames.Of(value)}, which would not be awaited, and its failure would be lost. Let it return a "
                + $"task: async … => await …."
                : $"{name} returns a {TypeNames.Of(value)} within {TypeNames.Of(returns)}, which would not be awaited, and its "
                + $"failure would be lost. Let it return one task: await the other in it.";
        if (returns == typeof(void) && method.IsDefined(typeof(AsyncStateMachineAttribute), false))
            return $"{name} is async void: it cannot be awaited, and its failure would be lost. Return Task.";
        return null;
    }

    private static (FlowReturn Return, Type? Value) Result(Type type)
    {
        if (type == typeof(void)) return (FlowReturn.Nothing, null);
        if (type == typeof(ValueTask)) return (FlowReturn.ValueTask, null);
        if (type.IsGenericType && type.GetGenericTypeDefinition() == typeof(ValueTask<>))
            return (FlowReturn.ValueTaskOfValue, type.GetGenericArguments()[0]);
        if (!type.IsAssignableTo(typeof(Task))) return (FlowReturn.Value, type);
        for (Type? at = type; at is not null; at = at.BaseType)
            if (at.IsGenericType && at.GetGenericTypeDefinition() == typeof(Task<>))
                return (FlowReturn.TaskOfValue, at.GetGenericArguments()[0]);
        return (FlowReturn.Task, null);
    }
}
