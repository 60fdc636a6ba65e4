namespace Sluice;

/// <summary>
/// Makes steps of functions: what a step is called with are values and the futures of other steps, and what it returns at once is a <see cref="Future{T}"/>. The calls are the graph: each
/// runs when what it was given has ended.
/// </summary>
/// <remarks>
/// A method group needs the type arguments, a lambda with typed parameters does not: <c>Step.Of&lt;string, Page&gt;(LoadAsync)</c>, <c>Step.Of((string text) => text.Length)</c>. For methods
/// of one's own, <see cref="StepAttribute"/> is shorter. For more than four parameters, use the attribute, or a record. Steps are values: thread-safe, and called any number of times.
/// </remarks>
public static partial class Step;
