namespace Sluice.PostgreSql;

/// <summary>A call that waits for its round.</summary>
/// <param name="order">Calls with a lower number come first in a round: commits, then appends, then the rest, then leases.</param>
/// <param name="isRepeatable">Whether it may be repeated if the server may have executed it.</param>
/// <param name="cancellation">Takes it out of the queue; once its round has begun, it runs to the end.</param>
internal abstract class StoreCall(int order, bool isRepeatable, CancellationToken cancellation)
{
    /// <summary>Orders of calls.</summary>
    public const int Commits = 0, Appends = 1, Leases = 3;

    public int Order => order;
    public bool IsRepeatable => isRepeatable;
    public CancellationToken Cancellation => cancellation;
    public Needs Needs { get; } = new();
    public long Begun { get; } = TimeProvider.System.GetTimestamp();

    /// <summary>Whether an earlier or the present round of it has reached its COMMIT, and the outcome is not known.</summary>
    public bool MayHaveRun { get; set; }

    /// <summary>Divides calls: those of two results have no stream and no batch in common. Calls keep their order.</summary>
    public static List<List<StoreCall>> Divide(List<StoreCall> calls)
    {
        if (calls.Count == 1) return [calls];
        int[] same = new int[calls.Count];           // an earlier call of the same result, or itself
        Dictionary<(bool IsStream, string), int> firsts = [];
        for (int i = 0; i < calls.Count; i++)
        {
            same[i] = i;
            foreach (string stream in calls[i].Needs.Streams) Join(i, (true, stream));
            foreach (string batch in calls[i].Needs.Batches) Join(i, (false, batch));
        }
        return [.. calls.Select((call, i) => (call, First: FirstOf(i))).GroupBy(static one => one.First, static one => one.call)
            .Select(static one => one.ToList())];

        void Join(int call, (bool, string) name)
        {
            if (firsts.TryAdd(name, call)) return;
            (int one, int other) = (FirstOf(call), FirstOf(firsts[name]));
            same[Math.Max(one, other)] = Math.Min(one, other);
        }

        int FirstOf(int call)
        {
            while (same[call] != call) call = same[call] = same[same[call]];
            return call;
        }
    }

    public abstract Task RunAsync(Round round);

    /// <summary>Gives the caller the result, or the failure of the call in the last round.</summary>
    public abstract void Finish();

    public abstract void Fail(Exception failure);
}

/// <inheritdoc/>
internal sealed class StoreCall<T>(int order, bool isRepeatable, Func<Round, ValueTask<T>> run, CancellationToken cancellation)
    : StoreCall(order, isRepeatable, cancellation)
{
    private readonly TaskCompletionSource<T> source = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private T result = default!;
    private Exception? refusal;

    public Task<T> Task => source.Task;

    public override async Task RunAsync(Round round)
    {
        (int touched, refusal) = (round.Touched, null);
        try
        {
            result = await run(round).ConfigureAwait(false);
        }
        catch (Exception failure) when (round.Touched == touched && failure is not (NpgsqlException or IOException
            or System.Net.Sockets.SocketException or TimeoutException or InvalidOperationException { InnerException: null }))
        {
            refusal = failure;                       // refused before it changed anything: the round goes on
        }
    }

    public override void Finish()
    {
        if (refusal is null) source.TrySetResult(result);
        else Fail(refusal);
    }

    public override void Fail(Exception failure)
    {
        if (failure is OperationCanceledException) source.TrySetCanceled(Cancellation);
        else source.TrySetException(failure);
    }
}
