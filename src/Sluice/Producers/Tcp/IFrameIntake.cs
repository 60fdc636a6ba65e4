namespace Sluice.Producers;

/// <summary>The intake for the items of one connection.</summary>
internal interface IFrameIntake<T> : IDisposable
{
    /// <summary>Completes when the added items wait for room.</summary>
    Task Full { get; }

    /// <summary>Opens the intake. Called once, first.</summary>
    /// <returns>The number of the client's last accepted item.</returns>
    ValueTask<long> OpenAsync(CancellationToken cancellation);

    /// <summary>Adds an item.</summary>
    /// <returns>A task that completes when the item is accepted.</returns>
    ValueTask<Task> AddAsync(T item, CancellationToken cancellation);

    /// <summary>Resets <see cref="Full"/> for the next items, once the added items are accepted.</summary>
    void GoOn();
}

/// <summary>A source whose items come from connections.</summary>
internal interface IFramePump;

/// <summary>A source whose items come from connections, and can go to an intake instead of its outlet.</summary>
internal interface IFramePump<T> : IFramePump
{
    /// <summary>
    /// Makes the intake of a connection, from the client's id; null if the client has none. Set before the run produces items.
    /// </summary>
    Func<string?, IFrameIntake<T>> Intake { set; }

    /// <summary>Fails the source, because its items can no longer be accepted. Any thread.</summary>
    void Fail(Exception cause);

    /// <summary>Whether the source leads directly to an inlet.</summary>
    bool LeadsTo(Inlet<T> inlet);
}
