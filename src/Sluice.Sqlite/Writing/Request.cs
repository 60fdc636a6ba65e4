namespace Sluice.Sqlite;

/// <summary>The order of calls in a transaction: first those that make room, then those that need it, then all others.</summary>
internal enum RequestKind
{
    Commit,
    Append,
    Other,
}

/// <summary>
/// A call for the writer's thread, answered once its transaction is stored. A caller can give up until the writer has started the call;
/// from then on the writer owns the caller's memory until the answer.
/// </summary>
internal abstract class Request(RequestKind kind, bool isLasting, int functions = 0)
{
    private int isClaimed;

    public RequestKind Kind => kind;

    /// <summary>
    /// Whether the result must survive a power failure; otherwise only the end of the process, and it is flushed a little later.
    /// </summary>
    public bool IsLasting => isLasting;

    /// <summary>The number of functions of items that it runs: the application works in each of them, and all other calls wait.</summary>
    public int Functions => functions;

    public CancellationTokenRegistration GivingUp { get; set; }

    public bool TryClaim() => Interlocked.Exchange(ref isClaimed, 1) == 0;

    /// <summary>Runs the call; again if its transaction failed because of another call.</summary>
    public abstract void Run(Session session);

    /// <summary>Records that the call was refused, without any change.</summary>
    public abstract void Refuse(Exception why);

    /// <summary>Answers with the outcome of <see cref="Run"/> or <see cref="Refuse"/>.</summary>
    public abstract void Answer();

    public abstract void Fail(Exception why);
}

/// <summary>The writer's own call: a transaction that flushes all earlier ones. If it fails, the next call reports it.</summary>
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

internal sealed class Request<T>(RequestKind kind, bool isLasting, Func<Session, T> call, int functions = 0)
    : Request(kind, isLasting, functions)
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
