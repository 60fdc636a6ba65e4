namespace Sluice;

/// <summary>The one state of an operator: a row with an empty key.</summary>
/// <remarks>Belongs to its stage.</remarks>
internal sealed class RememberedValue<TState>(TState seed, StatefulForm<TState> form)
{
    private TState value = seed;
    private StateMigrationException? failure;
    private bool hasChanged;

    /// <exception cref="StateMigrationException">What is stored could not be migrated.</exception>
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
            failure = e;                             // fails the items, one by one
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
    /// <param name="owner">What the operator is, in messages.</param>
    /// <param name="seed">What its state begins with.</param>
    /// <param name="schema">What its user has said; null for version zero.</param>
    public static StatefulForm<TState> Of<TState>(string owner, TState seed, StateSchema<TState>? schema) => new(schema?.Version ?? 0, owner, _ => seed, schema?.Migrate ?? (stored => throw new NotSupportedException(
        $"The state was stored as version {stored.Version}, and {owner} has no schema that says how to read it. Give it a StateSchema.")));
}
