namespace Sluice.Graphs;

/// <summary>
/// Makes steps from functions. A call takes values and futures of other steps, and returns a <see cref="Future{T}"/> at once; it runs when
/// its arguments have ended. The calls form the graph.
/// </summary>
/// <remarks>
/// A method group needs type arguments, a lambda with typed parameters does not: <c>Step.Of&lt;string, Page&gt;(LoadAsync)</c>,
/// <c>Step.Of((string text) => text.Length)</c>. For your own methods, <see cref="StepAttribute"/> is shorter. For more than four
/// parameters, use the attribute, or a record. Steps are immutable and thread-safe; call them any number of times.
/// </remarks>
public static partial class Step;
