namespace Sluice;

/// <summary>What a scope remembers of a call, for the picture. Written by whoever begins, runs or ends the call; read by any thread.</summary>
internal sealed class CallRecord(StepScope scope, int number, StepDefinition definition, Type? output)
{
    private ShownArguments? shown;
    private object? origins;                         // one of them, or a set of several; under a lock on this object, which users never see

    public StepScope Scope => scope;

    /// <summary>From 0, in the order of the calls.</summary>
    public int Number => number;

    public StepDefinition Definition => definition;

    public Type? Output => output;

    /// <summary>The calls of its scope that it depends on, or whose futures its body has awaited. Taken together anew each time.</summary>
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

    /// <summary>Timestamps of the clock; -1 if it has not.</summary>
    public long Started { get; set; } = -1;

    /// <inheritdoc cref="Started"/>
    public long Ended { get; set; } = -1;

    public FutureStatus Status { get; set; }

    /// <summary>The arguments as a person would write them, for the name of a call that is one of several; null where nothing is known of them.</summary>
    public string? ArgumentsText => shown?.Text;

    /// <summary>An argument is a plain value. Called by whoever makes the call.</summary>
    public void Show<T>(T argument)
    {
        if (scope.ShowsArguments) ShownArguments.Add(ref shown, argument);
    }

    /// <summary>The call waits for a future.</summary>
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

    /// <summary>The body awaits a future. Bodies that have ended are of no interest: something they have started goes on by itself.</summary>
    public void Await(Future future)
    {
        if (Ended == -1) DependOn(future);
    }

    /// <summary>For the picture; null if it has not run.</summary>
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
