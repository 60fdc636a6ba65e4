namespace Sluice;

/// <summary>The version of the form in which an operator stores its state, and how older versions are read.</summary>
/// <remarks>
/// Raise the version when the form changes. State of an older version is handed to <paramref name="Migrate"/>. State of a newer version is refused: the consecutor does not start.
/// A <paramref name="Migrate"/> that throws fails the item that needs the state, unless it throws a <see cref="NotSupportedException"/>, which stops the consecutor.
/// </remarks>
/// <example><code>
/// payments.Scan(new Totals(0, 0), Add, new StateSchema&lt;Totals&gt;(1, stored => new(JsonSerializer.Deserialize&lt;decimal&gt;(stored.Payload.Span), 1)))
/// </code></example>
/// <typeparam name="TState">The type of the state.</typeparam>
/// <param name="Version">Zero or more; zero where no schema is given.</param>
/// <param name="Migrate">Reads a state of an older version.</param>
public sealed record StateSchema<TState>(int Version, Func<StoredState, TState> Migrate);

/// <summary>A state of an older version could not be migrated: the items that need it fail.</summary>
internal sealed class StateMigrationException(string message, Exception cause) : Exception(message, cause);

/// <summary>What a node remembers, for people and for the next program: its kind, the type of its state, and the version of its form.</summary>
/// <param name="Kind">The kind of the node, for example <c>scan</c>.</param>
/// <param name="Type">The type of what it remembers; null where the kind says everything.</param>
/// <param name="Version">The version of its form.</param>
internal readonly record struct StateShape(string Kind, Type? Type, int Version)
{
    /// <summary>Whether it also has timers. No part of its text: a node may get timers.</summary>
    public bool HasTimers { get; init; }

    public override string ToString() => Type is null ? Kind : $"{Kind} of {TypeNames.ToStore(Type)}";

    /// <summary>The kind in such a text.</summary>
    public static string KindOf(string text) => text.Split(" of ", 2)[0];
}

/// <summary>How one state begins, and how it is read.</summary>
internal record StatefulForm<TState>(int Version, string Owner, Func<string, TState> Initial, Func<StoredState, TState> Migrate)
{
    /// <returns>How long the row is, in bytes.</returns>
    public virtual int Write(StateWriter changes, string key, TState value) => changes.Put(key, value, Version);

    /// <exception cref="StateMigrationException">The migration has failed.</exception>
    /// <exception cref="NotSupportedException">It is newer than the code, or there is no migration.</exception>
    public virtual TState Read(string key, StateReader stored)
    {
        (ReadOnlyMemory<byte> bytes, int version) = stored.Stored(key);
        if (version == Version) return stored.Get<TState>(key);
        string whose = key.Length == 0 ? "the node" : $"the key '{key}'";
        if (version > Version) throw new NotSupportedException($"The state of {whose} was stored as version {version}, and this is version {Version} of {Owner}. Start the newer code.");
        try
        {
            return Migrate(new(key, version, bytes));
        }
        catch (Exception e) when (e is not NotSupportedException)
        {
            throw new StateMigrationException($"The state of {whose} was stored as version {version}, and could not be migrated to version {Version} of {Owner}: {e.Message}", e);
        }
    }
}
