namespace Sluice;

/// <summary>Where the items of one connection go.</summary>
internal interface IFrameIntake<T> : IDisposable
{
    /// <summary>Completed when what was added waits for room.</summary>
    Task Full { get; }

    /// <summary>Begins. Called once, first.</summary>
    /// <returns>The number of the client's last item that is accepted.</returns>
    ValueTask<long> OpenAsync(CancellationToken cancellation);

    /// <summary>Adds an item.</summary>
    /// <returns>Ends when it is accepted.</returns>
    ValueTask<Task> AddAsync(T item, CancellationToken cancellation);

    /// <summary>What was added is accepted: <see cref="Full"/> is about what comes next.</summary>
    void GoOn();
}

/// <summary>A source whose items come from connections.</summary>
internal interface IFramePump;

/// <summary>A source whose items come from connections, and which may give them to somebody else than to its outlet.</summary>
internal interface IFramePump<T> : IFramePump
{
    /// <summary>Makes the intake of a connection, of a client by that name, if he has one. Set before the run produces anything.</summary>
    Func<string?, IFrameIntake<T>> Intake { set; }

    /// <summary>Nobody can accept anything any more: the source has failed. Any thread.</summary>
    void Fail(Exception cause);

    /// <summary>Whether nothing is between it and an inlet.</summary>
    bool LeadsTo(Inlet<T> inlet);
}
