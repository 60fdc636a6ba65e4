namespace Sluice.Graphs;

/// <summary>Checks and chooses the implementations of a function that has several.</summary>
[RequiresUnreferencedCode(DataFlow.Untrimmed)]
internal static class DispatchFunction
{
    public static IReadOnlyList<(string Key, DataFlowFunction Function)> Check(string name, (string Key, Delegate Function)[] choices,
        bool isChosenInRuns)
    {
        if (choices.Length == 0) throw new DataFlowException($"{name} has no implementations. Give some, each with its key.");
        List<(string Key, DataFlowFunction Function)> made = [];
        foreach (var (key, function) in choices)
        {
            if (key is null) throw new DataFlowException($"{name} has an implementation whose key is null. Give each a text as its key.");
            if (made.Exists(one => one.Key == key)) throw new DataFlowException($"{name} has two implementations for \"{key}\".");
            var one = DataFlowFunction.Of(function);
            if (one.Choices is not null || one.Signature!.Function.Target is DataFlow)
                throw new DataFlowException($"The implementation of {name} for \"{key}\" is no function, but {one}.");
            if (one.Describe().Any() || one.Outputs.Count > 0 || one.ValueName is not null || one.Positions is not null
                || one.Dropped.Count > 0)
                throw new DataFlowException(
                    $"The implementation of {name} for \"{key}\" has a policy, or names for what it gives, of its own. Say that "
                        + $"of {name}.");
            made.Add((key, one.Name is null ? one.Named(name) : one));
        }
        if (!isChosenInRuns) return made;
        ResultBinding first = Result(made[0].Function);
        foreach (var (key, function) in made)
            if (!Result(function).IsLike(first))
                throw new DataFlowException(
                    $"The implementations of {name} give different things: {Describe(made[0].Function)} for "
                        + $"\"{made[0].Key}\", {Describe(function)} for \"{key}\". Let them return one type.");
        return made;

        string Describe(DataFlowFunction function) => function.Signature!.Value is not { } type ? "nothing" : TypeNames.Of(type);
    }

    /// <summary>The text of a value, which is compared with the keys.</summary>
    public static string? KeyOf(object? value) => value is IFormattable and not Enum
        ? ((IFormattable)value).ToString(null, System.Globalization.CultureInfo.InvariantCulture) : value?.ToString();

    public static int Find(DataFlowFunction dispatch, object? value, object owner)
    {
        string key = KeyOf(value) ?? "";
        // C# code writes true, but its text is True.
        StringComparison how = value is bool ? StringComparison.OrdinalIgnoreCase : StringComparison.Ordinal;
        for (int i = 0; i < dispatch.Choices!.Count; i++) if (dispatch.Choices[i].Key.Equals(key, how)) return i;
        string keys = string.Join(", ", dispatch.Choices.Select(choice => $"\"{choice.Key}\""));
        throw new DataFlowException(
            $"{dispatch.Name} is chosen by {dispatch.Key}, which is {(value is null ? "null" : $"\"{key}\"")}. Its keys are: {keys}.")
        {
            Owner = owner,
        };
    }

    private static ResultBinding Result(DataFlowFunction function) => ResultBinding.Of(function, function.Signature!);
}
