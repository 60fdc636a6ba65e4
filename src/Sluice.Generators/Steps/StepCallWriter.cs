using System.Collections.Generic;
using System.Linq;
using System.Text;

namespace Sluice.Generators;

/// <summary>Writes the class of the calls of a step.</summary>
internal static class StepCallWriter
{
    /// <summary>Inherited members that the class uses: a type parameter with such a name would hide one.</summary>
    public static readonly string[] Inherited = ["Needs", "ValueOf", "ValuesOf", "KeyOf"];

    public static string Write(IMethodSymbol method, string call, string definition, bool isPure)
    {
        List<StepParameter> parameters = StepParameter.All(method);
        var result = new StepResult(method);
        string target = StepNames.Free("target", method);
        string owner = StepNames.Of(method.ContainingType);
        List<string> fields = [.. parameters.Select(parameter => parameter.InCall)];
        if (!method.IsStatic) fields.Insert(0, $"{owner} {target}");

        var text = new StringBuilder();
        text.Append($"/// <summary>A call of <c>{method.Name}</c>.</summary>\n").Append(StepAttributes.Of(method));
        text.Append(
            $"private sealed class {call}{StepNames.Parameters(method)}({string.Join(", ", fields)}) : "
                + $"global::Sluice.Graphs.StepCall<{result.Written}>({definition}){StepNames.Constraints(method)}\n{{\n");
        text.Append(Body("protected override void Gather()", [.. parameters.Select(parameter => parameter.Gathered)],
            "nothing to wait for"));
        text.Append('\n').Append(Invocation(method, parameters, result, method.IsStatic ? owner : StepOverride.Receiver(method, target)))
            .Append('\n');
        if (isPure && fields.Count > 0)
        {
            List<string> keys = [.. parameters.Select(parameter => parameter.Key)];
            if (!method.IsStatic) keys.Insert(0, target);
            text.Append(
                $"    protected override object? ArgumentsKey() => {(keys.Count == 1 ? keys[0] : $"({string.Join(", ", keys)})")};\n\n");
        }
        text.Append(Body("protected override void Forget()", [.. parameters.Select(parameter => parameter.Forgotten)],
            "nothing to let go of"));
        return text.Append("}\n").ToString();
    }

    private static string Body(string head, string[] statements, string nothing)
    {
        if (statements.Length == 0) return $"    {head}\n    {{\n        // {nothing}\n    }}\n";
        if (statements.Length == 1 && !statements[0].StartsWith("if", System.StringComparison.Ordinal))
            return $"    {head} => {statements[0]}\n";
        return $"    {head}\n    {{\n{string.Concat(statements.Select(statement => $"        {statement}\n"))}    }}\n";
    }

    private static string Invocation(IMethodSymbol method, List<StepParameter> parameters, StepResult result, string receiver)
    {
        string token = StepNames.Free("cancellation", method);
        List<string> arguments = [.. parameters.Select(parameter => parameter.Value)];
        if (StepReader.Token(method) is { } last) arguments.Add(last.RefKind == RefKind.None ? token : $"in {token}");
        string call =
            result.Checked($"{receiver}.{StepNames.Escape(method.Name)}{StepNames.Arguments(method)}({string.Join(", ", arguments)})");
        bool isAwaited = result.Value is null && (result.IsTask || result.IsValueTask);
        string head =
            $"protected override {(isAwaited ? "async " : "")}global::System.Threading.Tasks.ValueTask<{result.Written}> "
            + $"InvokeAsync(global::System.Threading.CancellationToken {token})";
        string[] before = [.. parameters.Select(parameter => parameter.Before).OfType<string>()];
        if (result.Value is null) return Body(head, [.. before, isAwaited ? $"await {call};" : $"{call};", "return default;"], "");
        string made = result.IsValueTask ? call : $"new({call})";
        return before.Length == 0 ? $"    {head}\n        => {made};\n" : Body(head, [.. before, $"return {made};"], "");
    }
}
