namespace Sluice.PostgreSql;

/// <summary>A statement of a sink that the server has refused.</summary>
/// <param name="Cause">What the server said.</param>
/// <param name="Row">The row; null if it is not known, because a constraint that is checked last has refused it.</param>
/// <param name="IsLast">Whether a constraint that is checked last has refused the row.</param>
internal sealed record RowFailure(PostgresException Cause, RowGroup? Row, bool IsLast)
{
    private const string Told = "Sluice.Row";

    /// <summary>Whether the server has taken another row, and has refused this one again.</summary>
    public bool IsProven { get; init; }

    // The server's further lines would stand in each dead letter; they say nothing that this does not.
    private string Reason => $"{Cause.MessageText} ({Cause.SqlState}).";

    private string Statement => Row is null ? "" : $" The statement: {Row.Statement.Sql}";

    private string Values => Row switch
    {
        null => "a row",
        { Count: 1 } => $"the row {RowText.Of(Row.Statement.Values)}",
        _ => string.Create(CultureInfo.InvariantCulture, $"one of {Row.Count:N0} rows, of which ")
            + $"{RowText.Of(Row.Statement.Values)} is the first",
    };

    private string Text => $"A statement of a sink failed for {Values}: {Reason}{Statement}." + (SinkFailures.IsTimeout(Cause)
        ? " Raise the user's statement_timeout, or find out what keeps the server busy." : "");

    /// <summary>The exception if the row is at fault. Without a row, the consecutor finds the item by commits of fewer items.</summary>
    /// <remarks>A proven failure is final: another attempt may be alone in its commit, where nothing can be proven.</remarks>
    public ItemRejectedException OfRow() => new(IsLast ? $"A constraint that is checked last refused {Values}: {Reason}{Statement}"
        : $"T{Values[1..]} was refused: {Reason}{Statement}")
    { Attachment = Row?.Writes, Item = Row?.First, IsFinal = IsProven };

    /// <summary>The exception if the statement or the server is at fault: the commit is repeated.</summary>
    public StreamStoreException OfStatement() => new(Text, Cause);

    /// <summary>What the server said, if the transaction must be repeated. It carries the statement and the row.</summary>
    public PostgresException OfTransaction()
    {
        Cause.Data[Told] = Text;
        return Cause;
    }

    /// <summary>What was being written when a statement failed; null if no row was.</summary>
    public static string? TextOf(PostgresException failure) => failure.Data[Told] as string;

    /// <summary>Finds the row in a repeated commit, by the object of its values, which is the same one.</summary>
    /// <returns>Null if it is not there any more.</returns>
    public RowFailure? In(IReadOnlyList<PostgresWrites> writes) => Row is null ? this
        : writes.SelectMany(static one => one.Singly()).FirstOrDefault(row => row.Statement.Values == Row.Statement.Values) is { } found
            ? this with { Row = found } : null;
}
