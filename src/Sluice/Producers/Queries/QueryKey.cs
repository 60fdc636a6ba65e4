namespace Sluice;

/// <summary>A column of the ascending key of a query (<see cref="Source.Query"/>).</summary>
/// <param name="Column">The name of the column in the result, and of the parameter with its value in the row before: letters, digits and
/// underscores.</param>
/// <param name="Start"> A value below that of the first row: <c>0L</c>, <c>""</c>, <c>DateTime.MinValue</c>. It also sets the type of the
/// values: an integer, <see cref="decimal"/>, <see cref="double"/>, <see cref="string"/>, <see cref="DateTime"/>,
/// <see cref="DateTimeOffset"/>, <see cref="DateOnly"/>, <see cref="TimeOnly"/>, <see cref="TimeSpan"/>, <see cref="Guid"/> or an array of
/// bytes. Give the type that the database's client reads: for a <c>date</c> of PostgreSQL a <see cref="DateOnly"/>, of SQL Server a
/// <see cref="DateTime"/>.
/// </param>
public sealed record QueryKey(string Column, object Start);
