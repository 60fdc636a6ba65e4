using Sluice.Engine;
using Sluice.Pipelines;

namespace Sluice;

public static partial class SourceExtensions
{
    /// <summary>Turns every item into another. The same as <c>source | function</c>.</summary>
    [AlsoForPipes]
    public static Source<TOut> Select<T, TOut>(this Source<T> source, Func<T, TOut> function)
        => new MapSource<T, TOut>(NotNull(source), NotNull(function));
}

/// <summary>A synchronous map.</summary>
internal sealed partial class SelectOperator<T, TOut>(Func<T, TOut> function) : Operator<T, TOut>
{
    public override string Kind => "map";

    public override bool LetsFailuresThrough => true;

    public override Delegate Function => function;

    public override bool MayRunAhead => true;

    public override Inlet<T> Create(StageContext context, Inlet<TOut> next) => new SelectStage<T, TOut>(context, next, function);
}

/// <summary>Calls the function with each item and pushes the result.</summary>
/// <remarks>The part in <c>Fusion/</c> takes several items at once, and stands for several adjacent maps.</remarks>
internal sealed partial class SelectStage<T, TOut> : Stage<T, TOut>
{
    public SelectStage(StageContext context, Inlet<TOut> next, Func<T, TOut> function, MapSteps? steps = null) : base(context, next)
    {
        Function = function;
        context.IsOneToOne = true;
        Fuse(next, steps);
    }

    public Func<T, TOut> Function { get; }

    public override bool HandsOn => Next.HandsOn;

    public override ValueTask PushAsync(T item, Ticket? ticket)
    {
        Context.In++;
        TOut result;
        try
        {
            result = Function(item);
        }
        catch (Exception e)
        {
            throw Failure(e, item, ticket);
        }
        return Next.PushAsync(result, ticket);
    }
}
