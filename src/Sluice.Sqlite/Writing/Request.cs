namespace Sluice.Sqlite;

/// <summary>In which order the calls of one transaction run: what makes room, what needs it, and then who looks.</summary>
internal enum RequestKind
{
    Commit,
    Append,
    Other,
}

/// <summary>
/// A call on its way to the writer's thread. It is answered when its transaction is stored. A caller can give up until the writer has begun with it; then
/// its memory is the writer's until it is answered.
/// </summary>
internal abstract class Request(RequestKind kind, bool isLasting)
{
    private int isClaimed;

    public RequestKind Kind => kind;

    /// <summary>Whether what it answers must survive a power failure; else it must survive the process only, and is flushed a little later.</summary>
    public bool IsLasting => isLasting;

    public CancellationTokenRegistration GivingUp { get; set; }

    public bool TryClaim() => Interlocked.Exchange(ref isClaimed, 1) == 0;

    /// <summary>Runs the call; again if the transaction that it was in has failed for somebody else's sake.</summary>
    public abstract void Run(Session session);

    /// <summary>The call was refused, and changed nothing.</summary>
    public abstract void Refuse(Exception why);

    /// <summary>Answers what <see cref="Run"/> or <see cref="Refuse"/> had.</summary>
    public abstract void Answer();

    public abstract void Fail(Exception why);
}

/// <summary>The writer's own: a transaction by which everything before it is flushed. If it fails, whoever comes next is told.</summary>
internal sealed class Flushing(bool isLast) : Request(RequestKind.Other, isLasting: true)
{
    public override void Run(Session session)
    {
        session.Write();
        if (isLast) session.Trims.Remove();
    }

    public override void Refuse(Exception why) { }

    public override void Answer() { }

    public override void Fail(Exception why) { }
}

internal sealed class Request<T>(RequestKind kind, bool isLasting, Func<Session, T> call) : Request(kind, isLasting)
{
    private readonly TaskCompletionSource<T> source = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private T? result;
    private Exception? refused;

    public Task<T> Task => source.Task;

    public override void Run(Session session)
    {
        refused = null;
        result = call(session);
    }

    public override void Refuse(Exception why) => refused = why;

    public override void Answer()
    {
        GivingUp.Unregister();
        if (refused is not null) source.TrySetException(refused);
        else source.TrySetResult(result!);
    }

    public override void Fail(Exception why)
    {
        GivingUp.Unregister();
        source.TrySetException(why);
    }

    public void GiveUp(CancellationToken cancellation)
    {
        if (TryClaim()) source.TrySetCanceled(cancellation);
    }
}
