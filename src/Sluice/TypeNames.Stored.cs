using Sluice.Diagnostics;
using Sluice.Graphs;

namespace Sluice;

internal static partial class TypeNames
{
    // Stored names of the library's own types: run journals and rows of state have them, so a rename in the code leaves them as they are.
    private static readonly Dictionary<Type, string> Stored = new()
    {
        [typeof(BatchCompleted)] = "BatchEnd",
        [typeof(DeadLetter)] = "DeadLetter",
        [typeof(EntryId)] = "EntryId",
        [typeof(EntryKey)] = "EntryKey",
        [typeof(FileLine)] = "FileLine",
        [typeof(Group<,>)] = "Group",
        [typeof(ItemLogEntry)] = "ItemLog",
        [typeof(Unit)] = "Nothing",
        [typeof(WithPosition<>)] = "Positioned",
        [typeof(Settled<>)] = "Settled",
        [typeof(StepInput<>)] = "StepRecord",
        [typeof(Tick)] = "Tick",
        [typeof(Window<>)] = "Window",
    };

    /// <summary>The name that is stored, or sent to another program, and compared there.</summary>
    internal static string ToStore(Type type) => Of(type, Stored.GetValueOrDefault);
}
