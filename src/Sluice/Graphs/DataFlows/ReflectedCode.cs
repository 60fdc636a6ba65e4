using System.Reflection;
using Sluice.Scheduling;

namespace Sluice.Graphs;

/// <summary>
/// Calls functions by reflection, where code cannot be compiled. Bindings are found once as well, but values travel as objects.
/// </summary>
[RequiresUnreferencedCode(DataFlow.Untrimmed)]
internal sealed class ReflectedCode : BindingCompiler
{
    public override bool IsReflected => true;

    public override Func<GraphContext, object?> Reader(IReadOnlyList<BoundValue> places) => run =>
    {
        foreach (BoundValue place in places)
            if (place.Read(run) is var value && value != BoundValue.Absent) return value;
        return BoundValue.Absent;
    };

    protected override NodeDefinition Function(BindingDraft draft)
        => Define(draft, Choose(draft, [.. draft.Calls.Select(call => Body(draft, call))]));

    private NodeBody<object?> Body(BindingDraft draft, FlowCall call)
    {
        FunctionSignature signature = call.Signature;
        Func<GraphContext, CancellationToken, object?>[] arguments = Array.ConvertAll(call.Arguments, Argument);
        // A delegate may hold the first argument of a static method.
        object?[] held = signature.Method.IsStatic && signature.Method.GetParameters().Length > arguments.Length
            ? [signature.Function.Target] : [];
        DataFlowFunction? open = draft.Result!.IsOpen ? draft.Function : null;
        if (!signature.IsSynchronous)
        {
            return (run, _, cancellation) =>
            {
                PoolWorker.Publish();
                return TaskAdapters.AnyAsync(Call(run, cancellation), signature.Return, open, this);
            };
        }

        SyncFunction<object?> function = open is null ? Call
            : (run, cancellation) => TaskAdapters.Open(Call(run, cancellation), open, this);
        return (run, _, cancellation) => SyncCall<object?>.Start(function, run, cancellation);

        object? Call(GraphContext run, CancellationToken cancellation)
            => signature.Method.Invoke(signature.Function.Target, BindingFlags.DoNotWrapExceptions, null,
            [.. held, .. arguments.Select(argument => argument(run, cancellation))], null);
    }

    private Func<GraphContext, CancellationToken, object?> Argument(ParameterBinding binding)
    {
        if (binding.IsToken) return static (_, cancellation) => cancellation;
        Func<GraphContext, object?> read = Reader(binding.Places);
        MissingBinding missing = Missing(binding);
        return (run, _) =>
        {
            object? value = read(run);
            if (value != BoundValue.Absent) return missing.Check(value);
            return binding.HasDefault && !binding.TakesTheOnlyOne ? binding.Rest is { } rest ? rest.Empty : binding.Default
                : missing.Check(missing.Only<object?>(run));
        };
    }
}
