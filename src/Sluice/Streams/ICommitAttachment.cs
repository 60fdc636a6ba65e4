namespace Sluice;

/// <summary>
/// A part of a commit that one kind of store understands and writes in the same transaction, such as rows for tables of the user's in its database. Public
/// types that implement it come with a store. Every other store refuses the commit (<see cref="StreamStoreException"/>).
/// </summary>
public interface ICommitAttachment
{
    /// <summary>What it is, for the message of a store that does not know it: <c>rows for a SQLite database</c>.</summary>
    string Description { get; }
}
