using Sluice.Topologies;

namespace Sluice.Graphs;

/// <summary>
/// A scope's record of a call, for the drawing. The threads that begin, run and end the call write it; any thread may read it.
/// </summary>
internal sealed class CallRecord(StepScope scope, int number, StepDefinition definition, Type? output)
{
    private ShownArguments? shown;
    private object? origins;                         // an origin, or a set of several; locked by this object, which users never see

    public StepScope Scope => scope;

    /// <summary>The number of the call, from 0, in the order of the calls.</summary>
    public int Number => number;

    public StepDefinition Definition => definition;

    public Type? Output => output;

    /// <summary>The calls of its scope that it depends on or has awaited. Computed on each access.</summary>
    public List<CallRecord> Dependencies
    {
        get
        {
            object[] all;
            lock (this) all = origins switch { null => [], HashSet<object> several => [.. several], _ => [origins] };
            return Origins.CallsIn(scope, all);
        }
    }

    public int Attempts { get; set; } = 1;

    /// <summary>A timestamp of the clock; -1 before it.</summary>
    public long Started { get; set; } = -1;

    /// <inheritdoc cref="Started"/>
    public long Ended { get; set; } = -1;

    public FutureStatus Status { get; set; }

    /// <summary>The arguments as text, by which calls of one step are told apart; null if none are known.</summary>
    public string? ArgumentsText => shown?.Text;

    /// <summary>Notes an argument that is a plain value; called by the thread that makes the call.</summary>
    public void Show<T>(T argument)
    {
        if (scope.ShowsArguments) ShownArguments.Add(ref shown, argument);
    }

    /// <summary>Notes that the call depends on a future.</summary>
    public void DependOn(Future future)
    {
        if (future.Origins is not { } origin || !Origins.MayBeIn(origin, scope)) return;
        lock (this)
        {
            if (origins is null) origins = origin;
            else if (origins is HashSet<object> several) several.Add(origin);
            else if (!ReferenceEquals(origins, origin)) origins = new HashSet<object> { origins, origin };
        }
    }

    /// <summary>
    /// Notes that the body awaits a future. After the body's end nothing is noted: tasks that it left behind go on alone.
    /// </summary>
    public void Await(Future future)
    {
        if (Ended == -1) DependOn(future);
    }

    /// <summary>The times of the call for the drawing; null if it has not run.</summary>
    public NodeTime? TimeSince(long began, TimeProvider time)
    {
        if (Started == -1) return null;
        string? outcome = Status switch
        {
            FutureStatus.Succeeded when Attempts > 1 => $"{Attempts} attempts",
            FutureStatus.Succeeded => null,
            _ => Status.ToString().ToLowerInvariant(),
        };
        return new(time.GetElapsedTime(began, Started), time.GetElapsedTime(Started, Ended == -1 ? time.GetTimestamp() : Ended), outcome);
    }
}
