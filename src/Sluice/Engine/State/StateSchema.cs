using Sluice.Diagnostics;

namespace Sluice;

/// <summary>The version of an operator's stored state, and the function that reads older versions.</summary>
/// <remarks>
/// Raise the version when the form of the state changes; <paramref name="Migrate"/> then reads state of older versions. If the stored
/// state is newer, the consecutor does not start. If <paramref name="Migrate"/> throws, the item that needs the state fails; a
/// <see cref="NotSupportedException"/> stops the consecutor instead.
/// </remarks>
/// <example><code>
/// payments.Scan(new Totals(0, 0), Add, new StateSchema&lt;Totals&gt;(1, stored =>
/// new(JsonSerializer.Deserialize&lt;decimal&gt;(stored.Payload.Span), 1)))
/// </code></example>
/// <typeparam name="TState">The type of the state.</typeparam>
/// <param name="Version">The current version: zero or more. Operators without a schema have version zero.</param>
/// <param name="Migrate">Reads a state of an older version.</param>
public sealed record StateSchema<TState>(int Version, Func<StoredState, TState> Migrate);

/// <summary>A stored state could not be migrated; the items that need it fail.</summary>
internal sealed class StateMigrationException(string message, Exception cause) : Exception(message, cause);

/// <summary>The shape of a node's stored state, for people and for later programs: kind of node, type of state, version.</summary>
/// <param name="Kind">The kind of the node, for example <c>scan</c>.</param>
/// <param name="Type">The type of the state; null if the kind says it all.</param>
/// <param name="Version">The version of the state.</param>
internal readonly record struct StateShape(string Kind, Type? Type, int Version)
{
    /// <summary>Whether the node has timers. Not part of the text: a node may get timers later.</summary>
    public bool HasTimers { get; init; }

    /// <summary>The text that earlier versions of the library have stored, if it is another one.</summary>
    public string? Older { get; init; }

    /// <summary>The types of the values that are stored, if they are not of <see cref="Type"/>.</summary>
    public IReadOnlyList<Type>? Parts { get; init; }

    /// <summary>Whether a node that has state by key has one state for each partition, because its items have no keys.</summary>
    public bool IsByPartition { get; init; }

    /// <summary>The kind in the text.</summary>
    public string StoredKind => IsByPartition ? $"{Kind} by partition" : Kind;

    public override string ToString() => Type is null ? StoredKind : $"{StoredKind} of {TypeNames.ToStore(Type)}";

    /// <summary>The kind in the text of a shape.</summary>
    public static string KindOf(string text) => text.Split(" of ", 2)[0];
}

/// <summary>The initial value of a state, and how it is read.</summary>
internal record StatefulForm<TState>(int Version, string Owner, Func<string, TState> Initial, Func<StoredState, TState> Migrate)
{
    /// <returns>The length of the row in bytes.</returns>
    public virtual int Write(StateWriter changes, string key, TState value) => changes.Put(key, value, Version);

    /// <exception cref="StateMigrationException">The migration has failed.</exception>
    /// <exception cref="NotSupportedException">The stored state is newer than the code, or there is no migration.</exception>
    public virtual TState Read(string key, StateReader stored)
    {
        (ReadOnlyMemory<byte> bytes, int version) = stored.Stored(key);
        if (version == Version) return stored.Get<TState>(key);
        string whose = key.Length == 0 ? "the node" : $"the key '{key}'";
        if (version > Version) throw new NotSupportedException(
            $"The state of {whose} was stored as version {version}, and this is version {Version} of {Owner}. Start the newer code.");
        try
        {
            return Migrate(new(key, version, bytes));
        }
        catch (Exception e) when (e is not NotSupportedException)
        {
            throw new StateMigrationException(
                $"The state of {whose} was stored as version {version}, and could not be migrated to version {Version} "
                    + $"of {Owner}: {FailureText.MessageOf(e)}", e);
        }
    }
}
