namespace Sluice;

/// <summary>A column of the key by which the rows of a query ascend (<see cref="Source.Query"/>).</summary>
/// <param name="Column">Its name in the result, and the name of the parameter that stands for its value in the row before: letters, digits and underscores.</param>
/// <param name="Start">
/// What the first row must be greater than: <c>0L</c>, <c>""</c>, <c>DateTime.MinValue</c>. It says of what type the values are: an integer, <see cref="decimal"/>,
/// <see cref="double"/>, <see cref="string"/>, <see cref="DateTime"/>, <see cref="DateTimeOffset"/>, <see cref="Guid"/> or an array of bytes.
/// </param>
public sealed record QueryKey(string Column, object Start);
