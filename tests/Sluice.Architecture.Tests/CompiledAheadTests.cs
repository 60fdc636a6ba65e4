using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;
using System.Runtime.CompilerServices;

namespace Sluice.Architecture.Tests;

/// <summary>
/// The packages work in programs that are compiled ahead of time into one file: what needs the compiler at run time, or the files of
/// assemblies, is called only by members that say so, or that ask first whether it is there. The compiler's analyzers find the same, and
/// more of it; <c>./test</c> has them off.
/// </summary>
public class CompiledAheadTests
{
    private const BindingFlags Declared = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static | BindingFlags.Instance
        | BindingFlags.DeclaredOnly;

    private static readonly (Type Mark, string Rule)[] Needs =
        [(typeof(RequiresDynamicCodeAttribute), "IL3050"), (typeof(RequiresAssemblyFilesAttribute), "IL300")];

    [Fact]
    public void WhatNeedsACompilerOrFilesIsCalledOnlyWhereThatIsSaid()
    {
        string[] packages = [.. Repository.Packages.Where(static name => name is not ("Sluice.Generators" or "Sluice.Cli"))];

        Assert.Empty(packages.SelectMany(static package => Calls(Assembly.Load(package).GetTypes())));
    }

    [Fact]
    public void ACallIsFoundWhereverItIs()
        => Assert.Equal(
        [
            "CompiledAheadTests.Bad.Of calls Type.MakeGenericType (IL3050)",
            "CompiledAheadTests.Bad.Later calls Type.MakeGenericType (IL3050)",
            "CompiledAheadTests.Bad.Later calls Assembly.get_Location (IL300)",
        ], Calls([typeof(Bad), .. typeof(Bad).GetNestedTypes(Declared)]));

    private static IEnumerable<string> Calls(IEnumerable<Type> types)
        => from type in types
           from method in type.GetMethods(Declared).Concat<MethodBase>(type.GetConstructors(Declared))
           let all = CalledBy(method).ToList()
           where !all.Exists(static called => called.Name == "get_IsDynamicCodeSupported")
           from called in all
           from need in Needs
           where Says(called, need.Mark) && !IsAllowed(method, need.Mark, need.Rule)
           select $"{Name(Owner(method).Type)}.{Owner(method).Method} calls {called.DeclaringType!.Name}.{called.Name} ({need.Rule})";

    private static IEnumerable<MethodBase> CalledBy(MethodBase method)
    {
        if (method.GetMethodBody()?.GetILAsByteArray() is not { Length: > 0 } code) yield break;
        foreach (MethodBase called in Tokens(code).Where(static token => token.Kind is HandleKind.MethodDefinition
            or HandleKind.MemberReference or HandleKind.MethodSpecification)
            .Select(token => method.Module.ResolveMember(MetadataTokens.GetToken(token), method.DeclaringType!.GetGenericArguments(),
                method.IsGenericMethod ? method.GetGenericArguments() : [])).OfType<MethodBase>())
            yield return called;
    }

    private static unsafe List<EntityHandle> Tokens(byte[] code)
    {
        fixed (byte* start = code)
            return [.. IntermediateCode.Tokens(new BlobReader(start, code.Length)).Select(static one => one.Used)];
    }

    /// <summary>Whether the member says that it has a need: by itself, by its property, or by its type.</summary>
    private static bool Says(MethodBase member, Type mark)
        => member.IsDefined(mark, inherit: false)
            || (mark == typeof(RequiresAssemblyFilesAttribute) && member.DeclaringType == typeof(Assembly)
                && member.Name is "get_Location" or "GetFile" or "GetFiles")     // the analyzer knows them, too, by their names
            || member.DeclaringType!.GetProperties(Declared).Any(property => property.IsDefined(mark, inherit: false)
                && (property.GetMethod?.MetadataToken == member.MetadataToken || property.SetMethod?.MetadataToken == member.MetadataToken))
            || ((member.IsConstructor || member.IsStatic) && member.DeclaringType.IsDefined(mark, inherit: false));

    private static bool IsAllowed(MethodBase method, Type mark, string rule)
    {
        var (owner, name) = Owner(method);
        IEnumerable<MemberInfo> say = [.. owner.GetMember(name, Declared), method];
        for (Type? type = method.DeclaringType; type is not null; type = type.DeclaringType) say = say.Append(type);
        return say.Any(member => member.IsDefined(mark, inherit: false) || (member is MethodBase body && Says(body, mark))
            || member.GetCustomAttributes<UnconditionalSuppressMessageAttribute>()
                .Any(one => one.CheckId.StartsWith(rule, StringComparison.Ordinal)));
    }

    /// <summary>The method that the source has: of the parts that the compiler makes of it, too (<c>&lt;Name&gt;…</c>).</summary>
    private static (Type Type, string Method) Owner(MethodBase method)
    {
        Type type = method.DeclaringType!;
        string name = Between(method.Name) ?? method.Name;
        for (; type.IsDefined(typeof(CompilerGeneratedAttribute), inherit: false) && type.DeclaringType is { } outer; type = outer)
            name = Between(type.Name) ?? name;
        return (type, name);
    }

    private static string? Between(string name)
        => name.StartsWith('<') && name.IndexOf('>', StringComparison.Ordinal) is var end and > 1 ? name[1..end] : null;

    private static string Name(Type type) => type.DeclaringType is { } outer ? $"{Name(outer)}.{type.Name}" : type.Name;

    private static class Bad
    {
        internal static Type Of(Type type) => typeof(List<>).MakeGenericType(type);

        internal static async Task<Func<object>> Later(Type type)
        {
            await Task.Yield();
            return () => $"{typeof(List<>).MakeGenericType(type)} {typeof(Bad).Assembly.Location}";
        }

        [RequiresDynamicCode("test")]
        internal static Type Said(Type type) => typeof(List<>).MakeGenericType(type);

        [UnconditionalSuppressMessage("AOT", "IL3050", Justification = "test")]
        internal static Func<object> Allowed(Type type) => () => typeof(List<>).MakeGenericType(type);
    }
}
