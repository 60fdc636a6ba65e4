using System.Linq.Expressions;
using System.Reflection;
using Sluice.Scheduling;

namespace Sluice.Graphs;

/// <summary>Compiles calls with their arguments, fully typed: a run boxes nothing, and looks up nothing by name.</summary>
[RequiresUnreferencedCode(DataFlow.Untrimmed)]
[RequiresDynamicCode(Dynamic)]
internal sealed class CompiledCode : BindingCompiler
{
    public const string Dynamic = "Where code cannot be compiled, ReflectedCode does the same.";

    private static readonly MethodInfo MakeFunction = typeof(CompiledCode).GetMethod(nameof(Make),
        BindingFlags.NonPublic | BindingFlags.Instance)!;
    private static readonly ParameterExpression Run = Expression.Parameter(typeof(GraphContext), "run");
    private static readonly ParameterExpression Parents = Expression.Parameter(typeof(int[]), "parents");
    private static readonly ParameterExpression Cancellation = Expression.Parameter(typeof(CancellationToken), "cancellation");

    public override bool IsReflected => false;

    public override Func<GraphContext, object?> Reader(IReadOnlyList<BoundValue> places)
        => Expression.Lambda<Func<GraphContext, object?>>(BindingExpressions.Boxed(Run, places), Run).Compile();

    protected override NodeDefinition Function(BindingDraft draft)
        => (NodeDefinition)MakeFunction.MakeGenericMethod(draft.ValueType).Invoke(this, [draft])!;

    private NodeDefinition Make<T>(BindingDraft draft)
        => Define(draft, Choose(draft, [.. draft.Calls.Select(call => Body<T>(draft, call))]));

    private NodeBody<T> Body<T>(BindingDraft draft, FlowCall call)
    {
        FunctionSignature signature = call.Signature;
        Expression[] arguments = Array.ConvertAll(call.Arguments,
            argument => BindingExpressions.Argument(Run, Cancellation, argument, Missing(argument)));
        // A static method is called directly; a delegate with a target through its Invoke.
        Expression called = signature.Function.Target is null && signature.Method.IsStatic ? Expression.Call(signature.Method, arguments)
            : Expression.Invoke(Expression.Constant(signature.Function, signature.Function.GetType()), arguments);
        ConstantExpression? open = draft.Result!.IsOpen ? Expression.Constant(draft.Function) : null;
        switch (signature.Return)
        {
            case FlowReturn.Nothing:
                return OnWorker<T>(Expression.Block(called, Expression.Default(typeof(T))));
            case FlowReturn.Value:
                return OnWorker<T>(open is null ? called : Expression.Call(typeof(TaskAdapters), nameof(TaskAdapters.Open), null,
                    Expression.Convert(called, typeof(object)), open, Expression.Constant(this, typeof(object))));
            case FlowReturn.Task or FlowReturn.ValueTask:
                called = Expression.Call(typeof(TaskValues), nameof(TaskValues.NothingAsync), null, called);
                break;
            case FlowReturn.TaskOfValue:
                called = Expression.Call(typeof(TaskValues), nameof(TaskValues.Of), [signature.Value!],
                    Expression.Convert(called, typeof(Task<>).MakeGenericType(signature.Value!)));
                break;
        }
        if (open is not null) called = Expression.Call(typeof(TaskAdapters), nameof(TaskAdapters.OpenAsync), [signature.Value!], called,
            open, Expression.Constant(this, typeof(object)));
        return Expression.Lambda<NodeBody<T>>(Expression.Block(Expression.Call(typeof(PoolWorker), nameof(PoolWorker.Publish), null),
            called), Run, Parents, Cancellation).Compile();
    }

    private static NodeBody<T> OnWorker<T>(Expression called)
    {
        SyncFunction<T> function = Expression.Lambda<SyncFunction<T>>(called, Run, Cancellation).Compile();
        return (run, _, cancellation) => SyncCall<T>.Start(function, run, cancellation);
    }
}
