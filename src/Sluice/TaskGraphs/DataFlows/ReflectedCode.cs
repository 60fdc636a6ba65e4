using System.Diagnostics.CodeAnalysis;
using System.Reflection;

namespace Sluice;

/// <summary>Calls functions by reflection, for where code cannot be compiled: what is bound is found once all the same, but values travel as objects.</summary>
[RequiresUnreferencedCode(DataFlow.Untrimmed)]
internal sealed class ReflectedCode : FlowCode
{
    public override bool IsReflected => true;

    public override Func<Context, object?> Reader(IReadOnlyList<FlowValue> places) => run =>
    {
        foreach (FlowValue place in places)
            if (place.Read(run) is var value && value != FlowValue.Absent) return value;
        return FlowValue.Absent;
    };

    protected override NodeDefinition Function(FlowDraft draft) => Define(draft, Choose(draft, [.. draft.Calls.Select(call => Body(draft, call))]));

    private NodeBody<object?> Body(FlowDraft draft, FlowCall call)
    {
        FlowSignature signature = call.Signature;
        Func<Context, CancellationToken, object?>[] arguments = Array.ConvertAll(call.Arguments, Argument);
        // A delegate may hold the first argument of a static method.
        object?[] held = signature.Method.IsStatic && signature.Method.GetParameters().Length > arguments.Length ? [signature.Function.Target] : [];
        DataFlowFunction? open = draft.Result!.IsOpen ? draft.Function : null;
        if (!signature.IsSynchronous)
        {
            return (run, _, cancellation) =>
            {
                PoolWorker.Publish();
                return FlowTasks.AnyAsync(Call(run, cancellation), signature.Return, open);
            };
        }

        SyncFunction<object?> function = open is null ? Call : (run, cancellation) => FlowTasks.Open(Call(run, cancellation), open);
        return (run, _, cancellation) => SyncCall<object?>.Start(function, run, cancellation);

        object? Call(Context run, CancellationToken cancellation)
            => signature.Method.Invoke(signature.Function.Target, BindingFlags.DoNotWrapExceptions, null, [.. held, .. arguments.Select(argument => argument(run, cancellation))], null);
    }

    private Func<Context, CancellationToken, object?> Argument(FlowBinding binding)
    {
        if (binding.IsToken) return static (_, cancellation) => cancellation;
        Func<Context, object?> read = Reader(binding.Places);
        FlowMissing missing = Missing(binding);
        return (run, _) =>
        {
            object? value = read(run);
            if (value != FlowValue.Absent) return missing.Check(value);
            return binding.HasDefault && !binding.TakesTheOnlyOne ? binding.Rest is { } rest ? rest.Empty : binding.Default : missing.Check(missing.Only<object?>(run));
        };
    }
}
