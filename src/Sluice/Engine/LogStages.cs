namespace Sluice;

/// <summary>Reports what goes into a stage.</summary>
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

/// <summary>Reports what comes out of a stage.</summary>
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
            throw Context.Failure(e, item, ticket);
        }
        return Next.PushAsync(item, ticket);
    }
}

/// <summary>A link in front of an inlet that belongs to a node without being one.</summary>
internal abstract class PassThrough<T>(StageContext context, Inlet<T> next) : Stage<T, T>(context, next)
{
    public override bool IsSelective => Next.IsSelective;

    public override bool IsReady => Next.IsReady;
}
