namespace Sluice;

/// <summary>The operators of sources and pipes, beside what <c>|</c> takes.</summary>
/// <remarks>One file each. All keep the order of the items unless they say otherwise, and hold nothing back unless they say so.</remarks>
public static partial class Operators
{
    /// <summary>Turns every item into another. The same as <c>source | function</c>.</summary>
    public static Source<TOut> Select<T, TOut>(this Source<T> source, Func<T, TOut> function)
        => NotNull(source).Then(new SelectOperator<T, TOut>(NotNull(function)));

    /// <inheritdoc cref="Select{T, TOut}(Source{T}, Func{T, TOut})"/>
    public static Pipe<TIn, TOut> Select<TIn, T, TOut>(this Pipe<TIn, T> pipe, Func<T, TOut> function)
        => NotNull(pipe).Then(new SelectOperator<T, TOut>(NotNull(function)));

    private static T NotNull<T>(T argument, [System.Runtime.CompilerServices.CallerArgumentExpression(nameof(argument))] string? name = null)
        where T : class
        => argument ?? throw new ArgumentNullException(name);
}

internal sealed class SelectOperator<T, TOut>(Func<T, TOut> function) : Operator<T, TOut>
{
    public override string Kind => "map";

    public override Delegate Function => function;

    public override Inlet<T> Create(StageContext context, Inlet<TOut> next)
    {
        if (typeof(T) != typeof(TOut) || context.IsGuarded) return new SelectStage<T, TOut>(context, next, function);
        var same = (Func<T, T>)(object)function;
        if (next is SelectRun<T> run && run.TryPrepend(context, same)) return run;
        return new SelectRun<T>(context, (Inlet<T>)(object)next, same);
    }
}

internal sealed class SelectStage<T, TOut> : Stage<T, TOut>
{
    private readonly Func<T, TOut> function;

    public SelectStage(StageContext context, Inlet<TOut> next, Func<T, TOut> function) : base(context, next)
    {
        this.function = function;
        context.IsOneToOne = true;
    }

    public override ValueTask PushAsync(T item, Ticket? ticket)
    {
        Context.In++;
        TOut result;
        try
        {
            result = function(item);
        }
        catch (Exception e)
        {
            throw Context.Failure(e, item, ticket);
        }
        return Next.PushAsync(result, ticket);
    }
}

/// <summary>Adjacent maps of one type in one object: a loop over the functions, with one push and one counter for all.</summary>
/// <remarks>The step tells which node failed.</remarks>
internal sealed class SelectRun<T> : Stage<T, T>, IReportsCounts
{
    private readonly List<StageContext> nodes = [];              // last node first, as the run is built
    private Func<T, T>[] functions;                              // in the order of the items, at the end of the array
    private int first;
    private long entered;

    public SelectRun(StageContext context, Inlet<T> next, Func<T, T> function) : base(context, next)
    {
        functions = [function];
        nodes.Add(context);
        context.Run.Reporters.Add(this);
    }

    /// <summary>Called while the run is built. Not where a merge comes in between.</summary>
    public bool TryPrepend(StageContext context, Func<T, T> function)
    {
        if (!HasOneInput) return false;
        if (first == 0)
        {
            var larger = new Func<T, T>[functions.Length * 4];
            first = larger.Length - functions.Length;
            functions.CopyTo(larger, first);
            functions = larger;
        }
        functions[--first] = function;
        nodes.Add(context);
        Node = context.Node;
        return true;
    }

    public override ValueTask PushAsync(T item, Ticket? ticket)
    {
        entered++;
        Func<T, T>[] steps = functions;
        int step = first;
        T value = item;
        try
        {
            // Several places of call: the runtime learns for each whom it calls, and calls those directly.
            while (steps.Length - step >= 8)
            {
                value = steps[step](value);
                value = steps[++step](value);
                value = steps[++step](value);
                value = steps[++step](value);
                value = steps[++step](value);
                value = steps[++step](value);
                value = steps[++step](value);
                value = steps[++step](value);
                step++;
            }
            if (steps.Length - step >= 2)
            {
                value = steps[step](value);
                value = steps[++step](value);
                step++;
            }
            for (; step < steps.Length; step++) value = steps[step](value);
        }
        catch (Exception e)
        {
            throw Failure(e, step, value, ticket);
        }
        return Next.PushAsync(value, ticket);
    }

    public void Report(NodeCounts[] counts)
    {
        long count = Volatile.Read(ref entered);
        for (int i = nodes.Count - 1; i >= 0; i--)
        {
            ref NodeCounts node = ref counts[nodes[i].Node];
            node.In += count;
            count -= Volatile.Read(ref nodes[i].Failed);
            node.Out += count;
        }
    }

    private Exception Failure(Exception cause, int step, T item, Ticket? ticket)
        => nodes[functions.Length - 1 - step].Failure(cause, item, ticket);
}
