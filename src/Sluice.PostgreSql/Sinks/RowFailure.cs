namespace Sluice.PostgreSql;

/// <summary>A statement of a sink that the server has refused.</summary>
/// <param name="Cause">What the server said.</param>
/// <param name="Row">The row; null if it is not known, because a constraint that is checked last has refused it.</param>
/// <param name="IsLast">Whether a constraint that is checked last has refused the row.</param>
internal sealed record RowFailure(PostgresException Cause, RowGroup? Row, bool IsLast)
{
    // The server's further lines would stand in each dead letter; they say nothing that this does not.
    private string Reason => $"{Cause.MessageText} ({Cause.SqlState}).";

    private string Statement => Row is null ? "" : $" The statement: {Row.Statement.Sql}";

    private string Values => Row is null ? "a row" : $"the row {RowText.Of(Row.Statement.Values)}";

    /// <summary>The exception if the row is at fault. Without a row, the consecutor finds the item by commits of fewer items.</summary>
    public ItemRejectedException OfRow() => new(IsLast ? $"A constraint that is checked last refused {Values}: {Reason}{Statement}"
        : $"T{Values[1..]} was refused: {Reason}{Statement}")
    { Attachment = Row?.Writes, Item = Row?.First };

    /// <summary>The exception if the statement or the server is at fault: the commit is repeated.</summary>
    public StreamStoreException OfStatement() => new($"A statement of a sink failed for {Values}: {Reason}{Statement}."
        + SinkFailures.Advice(Cause), Cause);
}
