using System.Diagnostics;

namespace Sluice;

/// <summary>
/// Marks an extension method for <c>Source&lt;T&gt;</c>, or a class with operators of it: tools/Sluice.Walls writes the same for
/// <c>Pipe&lt;TIn, T&gt;</c>.
/// </summary>
[Conditional("SOURCE_ONLY"), AttributeUsage(AttributeTargets.Method | AttributeTargets.Class, AllowMultiple = true)]
internal sealed class AlsoForPipesAttribute : Attribute;

/// <summary>Marks a <c>|</c> whose right side is branches: tools/Sluice.Walls writes <c>source &lt; [branch, branch]</c> for it.</summary>
[Conditional("SOURCE_ONLY"), AttributeUsage(AttributeTargets.Method)]
internal sealed class OpensBracketsAttribute : Attribute;

/// <summary>Marks a <c>|</c> that may stand behind branches: tools/Sluice.Walls writes <c>[branch, branch] &gt; function</c> for
/// it.</summary>
[Conditional("SOURCE_ONLY"), AttributeUsage(AttributeTargets.Method)]
internal sealed class ClosesBracketsAttribute : Attribute;

/// <summary>Marks a class in a file that is written for four parameters: tools/Sluice.Walls writes the file again for three, and so
/// on.</summary>
/// <param name="downTo">The smallest number of parameters.</param>
[Conditional("SOURCE_ONLY"), AttributeUsage(AttributeTargets.Class)]
internal sealed class AlsoWithFewerAttribute(int downTo) : Attribute
{
    public int DownTo => downTo;
}
