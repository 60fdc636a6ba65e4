using Sluice.Diagnostics;

namespace Sluice.Engine;

/// <summary>Logs the items that enter a stage.</summary>
internal sealed class LogInput<T>(StageContext context, Inlet<T> stage, Action<ItemLogEntry> log) : PassThrough<T>(context, stage), IWraps
{
    public object Inner => Next;

    public override ValueTask PushAsync(T item, Ticket? ticket)
    {
        try
        {
            log(new ItemLogEntry(Context.Run.NameOf(Node), IsOutput: false, item, Context.Run.Time.GetUtcNow()));
        }
        catch (Exception e)
        {
            Context.In++;                            // it has come this far: the stage itself will not see it
            throw Context.Failure(e, item, ticket);
        }
        return Next.PushAsync(item, ticket);
    }
}

/// <summary>Logs the items that a stage puts out.</summary>
internal sealed class LogOutput<T>(StageContext context, Inlet<T> next, Action<ItemLogEntry> log) : PassThrough<T>(context, next)
{
    public override ValueTask PushAsync(T item, Ticket? ticket)
    {
        try
        {
            log(new ItemLogEntry(Context.Run.NameOf(Node), IsOutput: true, item, Context.Run.Time.GetUtcNow()));
        }
        catch (Exception e)
        {
            Context.Out--;                           // counted by the stage, and not out yet
            throw Context.Failure(e, item, ticket, isPartial: true);       // the item is not what has entered the node
        }
        return Next.PushAsync(item, ticket);
    }
}

/// <summary>A stage of a node that stands in front of an inlet and passes every item on.</summary>
internal abstract class PassThrough<T>(StageContext context, Inlet<T> next) : Stage<T, T>(context, next)
{
    public override bool IsSelective => Next.IsSelective;

    public override bool IsReady => Next.IsReady;
}
