using System.Reflection;
using System.Reflection.Emit;
using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;

namespace Sluice.Architecture.Tests;

/// <summary>Decodes the body of a compiled method.</summary>
internal static class IntermediateCode
{
    private const int TwoBytes = 0xFE;

    // By the number of the instruction; those of two bytes begin with FE.
    private static readonly Dictionary<int, OperandType> Operands = typeof(OpCodes).GetFields(BindingFlags.Public | BindingFlags.Static)
        .Select(static field => (OpCode)field.GetValue(null)!)
        .ToDictionary(static code => (int)(ushort)code.Value, static code => code.OperandType);

    /// <summary>Returns what the instructions name (types, methods, fields), each with the offset of its instruction.</summary>
    internal static List<(int Offset, EntityHandle Used)> Tokens(BlobReader code)
    {
        List<(int, EntityHandle)> tokens = [];
        while (code.RemainingBytes > 0)
        {
            int offset = code.Offset;
            int instruction = code.ReadByte();
            if (instruction == TwoBytes) instruction = (TwoBytes << 8) | code.ReadByte();
            switch (Operands[instruction])
            {
                case OperandType.InlineMethod or OperandType.InlineField or OperandType.InlineType or OperandType.InlineTok
                    or OperandType.InlineSig:
                    tokens.Add((offset, MetadataTokens.EntityHandle(code.ReadInt32())));
                    break;
                case OperandType.InlineSwitch:
                    int cases = code.ReadInt32();
                    code.Offset += cases * sizeof(int);
                    break;
                case OperandType.InlineNone: break;
                case OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar: code.Offset += 1; break;
                case OperandType.InlineVar: code.Offset += 2; break;
                case OperandType.InlineI8 or OperandType.InlineR: code.Offset += 8; break;
                default: code.Offset += 4; break;           // strings, long jumps, 32-bit numbers
            }
        }
        return tokens;
    }
}
