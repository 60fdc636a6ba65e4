namespace Sluice.Engine;

/// <summary>The single state of an operator, stored as one row with an empty key.</summary>
/// <remarks>Not thread-safe: its stage owns it.</remarks>
internal sealed class RememberedValue<TState>(TState seed, StatefulForm<TState> form)
{
    private TState value = seed;
    private StateMigrationException? failure;
    private bool hasChanged;

    /// <exception cref="StateMigrationException">The stored state could not be migrated.</exception>
    public TState Value
    {
        get => failure is null ? value : throw failure;
        set => (this.value, hasChanged) = (value, true);
    }

    public void Restore(StateReader stored)
    {
        if (!stored.Has("")) return;
        try
        {
            value = form.Read("", stored);
        }
        catch (StateMigrationException e)
        {
            failure = e;                             // thrown for each item
        }
    }

    public void Save(StateWriter changes)
    {
        if (hasChanged) changes.Put("", value, form.Version);
        hasChanged = false;
    }
}

internal static class StatefulForms
{
    /// <summary>The form of an operator's state.</summary>
    /// <param name="owner">The operator's description, for messages.</param>
    /// <param name="seed">The initial state.</param>
    /// <param name="schema">The user's schema; null for version zero.</param>
    public static StatefulForm<TState> Of<TState>(string owner, TState seed, StateSchema<TState>? schema)
        => new(schema?.Version ?? 0, owner, _ => seed, schema?.Migrate ?? (stored => throw new NotSupportedException(
        $"The state was stored as version {stored.Version}, and {owner} has no schema that says how to read it. Give it a StateSchema.")));
}
